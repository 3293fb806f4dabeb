import { fail, type Port } from '@interposer/core';
import { inheritedSockets } from '@interposer/frontend-nbd';
import type { Options } from '../command-line.ts';
import { Host } from '../daemon/host.ts';
import { EXPORT_ABOUT, EXPORT_OPTIONS, exportSettings } from '../export-settings.ts';
import { pluginSources } from '../plugin-sources.ts';
import type { ExportAddress, ExportInfo } from '../service.ts';
import type { Command, Verb } from '../verb.ts';
import { inDirectory } from '../working-directory.ts';
import { addressOption } from './export.ts';

export const serve: Verb = {
  name: 'serve',
  operands: '[IMAGE|ram:SIZE]',
  count: [0, 1],
  summary: 'Serve an image or a table over NBD, without a daemon',
  about:
    'Prints the URI for clients when it listens, and serves until it is interrupted; then requests in flight are answered ' +
    'and everything is flushed. Without --unix and --port it listens on the sockets that systemd passes, or else on TCP port ' +
    `10809 of this machine. ${EXPORT_ABOUT}`,
  options: ['table', 'name', 'filter', 'unix', 'port', 'host', 'read-only', 'export-name', ...EXPORT_OPTIONS],
  examples: [
    { command: 'interposer serve my.img', about: 'An image on nbd://127.0.0.1/' },
    { command: 'interposer serve ram:64M --unix /tmp/ram.sock', about: 'A RAM disk on a UNIX socket' },
    {
      command: "interposer serve --table '0 64 linear my.img 0' --filter 'error@200000'",
      about: 'A table, with a filter over it',
    },
  ],
  run: (command) => inDirectory(command.around.cwd, () => serveUntilStopped(command)),
};

async function serveUntilStopped(command: Command): Promise<undefined> {
  const { stderr, stop } = command.around;
  const host = await Host.open(pluginSources(command));
  const log = (message: string): void => {
    stderr.write(`interposer: ${message}\n`);
  };
  host.log = log;
  host.plugins.problems.forEach(log);
  try {
    const served = await startServing(command, host);
    for (const one of served) command.show(one, () => `${one.uri}\n`);
    await stopped(stop);
  } finally {
    await host.close();
  }
}

async function startServing(command: Command, host: Host): Promise<ExportInfo[]> {
  const { options } = command;
  const readOnly = options.has('read-only');
  const port = await openServed(command, host, readOnly);
  try {
    const { number } = port.device;
    // Before the export, so that no client sees the device without its filters.
    for (const filter of options.all('filter')) await host.engine.attachFilter(number, filter);
    const as = options.get('export-name') ?? '';
    const served: ExportInfo[] = [];
    for (const address of addressesOf(options)) {
      served.push(await host.exports.add(number, { ...address, ...exportSettings(options), as, readOnly }));
    }
    return served;
  } finally {
    port.close();
  }
}

function addressesOf(options: Options): ExportAddress[] {
  const address = addressOption(options);
  if (address !== undefined) return [address];
  const inherited = inheritedSockets();
  return inherited.length === 0 ? [{}] : inherited.map(({ fd }) => ({ fd }));
}

/** Opens the image, or the device that is made for the table: it stays while filters and the export are put up. */
async function openServed(
  { options, operands }: Command,
  { engine }: Host,
  readOnly: boolean,
): Promise<Port> {
  const table = options.get('table');
  const [image] = operands;
  if ((table === undefined) === (image === undefined))
    throw fail('EINVAL', 'name what to serve: either an image or --table');
  const device = image ?? options.get('name') ?? 'disk';
  if (table !== undefined) await engine.create(device, { table, readOnly });
  return engine.open(device, { mode: readOnly ? 'read' : 'write', claim: 'noexcl', holder: 'serve' });
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}
