import process from 'node:process';
import { asError } from '@interposer/core';
import { runDaemon } from '../daemon/run-daemon.ts';
import { controlSocketPath } from '../daemon/socket-path.ts';
import { startDaemon, type StartReport } from '../daemon/start-daemon.ts';
import { codeOf } from '../failure.ts';
import { namedPlugins } from '../named-plugins.ts';
import { pluginSources } from '../plugin-sources.ts';
import type { Command, Verb } from '../verb.ts';

export const daemon: Verb = {
  name: 'daemon',
  operands: '',
  count: [0, 0],
  summary: 'Start the daemon that keeps devices and exports',
  about:
    'Other verbs start it when they need it. Its control socket can be used by this user only; its path is --socket, ' +
    'INTERPOSER_SOCKET, or interposer.sock in XDG_RUNTIME_DIR. It remembers nothing: devices, filters and exports are gone ' +
    'when it ends, the data on images is not. On SIGTERM, SIGINT or shutdown it unmounts what is attached, answers what is in flight, flushes every ' +
    'device and closes it.',
  options: ['foreground'],
  examples: [
    { command: 'interposer daemon', about: 'In the background' },
    {
      command: 'interposer daemon --foreground --socket /tmp/test.sock',
      about: 'In this terminal, with its log',
    },
  ],
  run: (command) => {
    if (command.options.has('started')) return runStarted(command);
    return command.options.has('foreground') ? runForeground(command) : startInBackground(command);
  },
};

function socketOf({ options, around }: Command): string {
  return controlSocketPath({ socket: options.get('socket'), env: around.env, cwd: around.cwd });
}

async function startInBackground(command: Command): Promise<undefined> {
  const { around, program, options } = command;
  const socket = socketOf(command);
  const report = await startDaemon({
    socket,
    script: program.script,
    plugins: namedPlugins(options, {}),
    env: around.env,
    cwd: around.cwd,
  });
  for (const problem of report.problems) around.stderr.write(`interposer: ${problem}\n`);
  command.show({ socket }, () => `${socket}\n`);
}

function runForeground(command: Command): Promise<number> {
  const { around } = command;
  const socket = socketOf(command);
  return runDaemon({
    socket,
    plugins: pluginSources(command),
    log: (message) => {
      around.stderr.write(`interposer: ${message}\n`);
    },
    onReady: () => {
      command.show({ socket }, () => `${socket}\n`);
    },
    stop: around.stop,
  });
}

/** The process that another verb started: it reports once to its parent, and has nobody to talk to afterwards. */
async function runStarted(command: Command): Promise<number> {
  // Its parent reads standard error until it reports, and nobody does later.
  process.stderr.on('error', () => undefined);
  const tell = (report: StartReport): void => {
    process.send?.(report);
  };
  try {
    return await runDaemon({
      socket: socketOf(command),
      plugins: pluginSources(command),
      log: () => undefined,
      onReady: (problems) => {
        // It must not keep anybody's directory busy.
        process.chdir('/');
        tell({ ready: true, problems });
      },
      stop: command.around.stop,
    });
  } catch (error) {
    tell({ ready: false, code: codeOf(error) ?? 'EIO', message: asError(error).message });
    return 1;
  }
}

export const shutdown: Verb = {
  name: 'shutdown',
  operands: '',
  count: [0, 0],
  summary: 'End the daemon, after everything is flushed',
  about: 'Returns when it is done. If no daemon runs there is nothing to do.',
  options: [],
  examples: [{ command: 'interposer shutdown', about: 'Ends exports, flushes and closes all devices' }],
  run: async (command) => {
    const service = await command.runningService();
    if (service === undefined) {
      command.around.stderr.write('No daemon is running.\n');
      return undefined;
    }
    await service.shutdown();
    await service.closed;
    return undefined;
  },
};
