import { setImmediate } from 'node:timers/promises';
import { file } from '@interposer/device-file';
import { ram } from '@interposer/device-ram';
import { stats } from '@interposer/filter-stats';
import { throttle } from '@interposer/filter-throttle';
import * as errorPackage from '@interposer/target-error';
import { linear } from '@interposer/target-linear';
import { striped } from '@interposer/target-striped';
import { zero } from '@interposer/target-zero';
import { onTestFinished } from 'vitest';
import { serviceOver } from '../src/daemon/client.ts';
import { Host } from '../src/daemon/host.ts';
import { callMethod } from '../src/daemon/methods.ts';
import { Session } from '../src/daemon/session.ts';
import type { RemoteService } from '../src/daemon/remote.ts';
import type { Plugin } from '../src/plugins/plugin.ts';
import { typesOf } from '../src/plugins/plugin.ts';
import { runCommandLine } from '../src/run.ts';

/** The plugins that the tests work with. */
export const PLUGINS: readonly Plugin[] = [
  { package: '@interposer/device-file', version: '1.2.3', types: [file] },
  { package: '@interposer/device-ram', version: '1.2.3', types: [ram] },
  { package: '@interposer/filter-stats', version: '1.2.3', types: [stats] },
  { package: '@interposer/filter-throttle', version: '1.2.3', types: [throttle] },
  { package: '@interposer/target-error', version: '1.2.3', types: typesOf(errorPackage) },
  { package: '@interposer/target-linear', version: '1.2.3', types: [linear] },
  { package: '@interposer/target-striped', version: '1.2.3', types: [striped] },
  { package: '@interposer/target-zero', version: '1.2.3', types: [zero] },
];

/** What a command left behind. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of a command. */
export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  readonly cwd?: string;
}

/** A host in this process with the command line over it: everything of a daemon but the socket. */
export class Workbench {
  readonly host: Host = new Host();
  /** Milliseconds that commands asked to wait, which they did not. */
  readonly pauses: number[] = [];
  readonly #cwd: string;
  readonly #sessions: Session[] = [];

  constructor(cwd: string, plugins: readonly Plugin[] = PLUGINS) {
    this.#cwd = cwd;
    for (const plugin of plugins) this.host.plugins.add(plugin);
    onTestFinished(() => this.#close());
  }

  /** Images are locked as long as they are open. */
  async #close(): Promise<void> {
    for (const session of this.#sessions) session.close();
    await this.host.close().catch(() => undefined);
  }

  /** A client of the host. */
  connect(cwd = this.#cwd): RemoteService {
    const session = new Session(this.host, cwd, () => undefined);
    this.#sessions.push(session);
    return {
      ...serviceOver((method, params) => callMethod(session, method, params)),
      closed: Promise.resolve(),
      close: () => {
        session.close();
      },
    };
  }

  async run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const cwd = options.cwd ?? this.#cwd;
    const code = await runCommandLine(
      args,
      {
        stdin: streamOf(options.stdin ?? ''),
        stdout: { write: (data) => stdout.push(Buffer.from(data)) },
        stderr: { write: (data) => stderr.push(Buffer.from(data)) },
        cwd,
        env: {},
        sleep: async (milliseconds) => {
          this.pauses.push(milliseconds);
          // Whoever waits for anything else gets a turn.
          await setImmediate();
        },
        stop: new AbortController().signal,
      },
      {
        plugins: PLUGINS,
        version: '1.2.3',
        script: '/nowhere/interposer',
        connect: async () => this.connect(cwd),
      },
    );
    return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
  }

  /** Runs a command that must succeed, and answers what it printed. */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`${args.join(' ')}: exit code ${String(code)}: ${stderr}`);
    return stdout;
  }
}

async function* streamOf(data: string | Uint8Array): AsyncIterable<string | Uint8Array> {
  if (data.length > 0) yield data;
}
