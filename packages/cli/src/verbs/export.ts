import { fail } from '@interposer/core';
import type { Options } from '../command-line.ts';
import { EXPORT_ABOUT, EXPORT_OPTIONS, exportSettings } from '../export-settings.ts';
import type { ExportAddress, ExportInfo } from '../service.ts';
import type { Command, Verb } from '../verb.ts';
import { formatTable } from './text-table.ts';

/** The address that `--unix`, `--port` and `--host` give; undefined if none does. */
export function addressOption(options: Options): ExportAddress | undefined {
  const path = options.get('unix');
  const port = options.get('port');
  const host = options.get('host');
  if (path !== undefined) {
    if (port !== undefined || host !== undefined)
      throw fail('EINVAL', 'give either --unix or --port, not both');
    return { path };
  }
  if (port === undefined && host === undefined) return undefined;
  return {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: portNumber(port) }),
  };
}

const MAX_PORT = 65_535;

function portNumber(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : NaN;
  if (port <= MAX_PORT) return port;
  throw fail('EINVAL', `port "${text}" is not a number in 0..${String(MAX_PORT)}`);
}

export const exportAdd: Verb = {
  name: 'export add',
  operands: 'DEV',
  count: [1, 1],
  summary: 'Serve a device over NBD',
  about:
    'Prints the URI for clients. Several exports may share one socket or port, and one device may be exported several ' +
    'times. Without --allow and --tls anybody who can reach the socket can read and write the device. TLS, --idle-timeout and ' +
    `the mode are those of the socket: exports that share it share them. ${EXPORT_ABOUT}`,
  options: ['unix', 'port', 'host', 'as', 'read-only', ...EXPORT_OPTIONS],
  examples: [
    { command: 'interposer export add disk --unix /tmp/disk.sock', about: 'On a UNIX socket' },
    {
      command: 'interposer export add disk --as backup --port 10809 --read-only',
      about: 'On TCP, under another name',
    },
    {
      command:
        "interposer export add disk --port 10809 --host 0.0.0.0 --tls require --tls-certificates /etc/pki/nbd --tls-verify-peer --allow cert=alice --allow 'cert=bob addr=10.0.0.0/8'",
      about: 'With TLS, for two clients',
    },
  ],
  run: (command) => serveDevice(command, command.operands[0]!, command.options.has('read-only')),
};

/** Serves a device as the options say, and prints the URI. */
export async function serveDevice(command: Command, device: string, readOnly: boolean): Promise<undefined> {
  const { options } = command;
  const address = addressOption(options);
  if (address === undefined) throw fail('EINVAL', 'say where to serve: --unix PATH or --port PORT');
  const as = options.get('as');
  const service = await command.service();
  const added = await service.addExport(device, {
    ...address,
    ...exportSettings(options),
    ...(as === undefined ? {} : { as }),
    readOnly,
  });
  command.show(added, () => `${added.uri}\n`);
}

export const exportRm: Verb = {
  name: 'export rm',
  operands: 'NAME',
  count: [1, 1],
  summary: 'Stop serving a device',
  about:
    'Requests that clients have sent are answered first. NAME is the export name; where several sockets have one of that name, say which.',
  options: ['unix', 'port', 'host'],
  examples: [{ command: 'interposer export rm disk', about: 'By name' }],
  run: async (command) => {
    const service = await command.service();
    await service.removeExport(command.operands[0]!, addressOption(command.options));
    return undefined;
  },
};

export const exportLs: Verb = {
  name: 'export ls',
  operands: '',
  count: [0, 0],
  summary: 'List the exports',
  about: 'MODE is rw, ro, or lost where the device is gone: clients get errors until export rm.',
  options: [],
  examples: [{ command: 'interposer export ls', about: 'All of them' }],
  run: async (command) => {
    const service = await command.service();
    const exports = await service.exports();
    command.show(exports, () => (exports.length === 0 ? 'No exports found\n' : listing(exports)));
    return undefined;
  },
};

function listing(exports: readonly ExportInfo[]): string {
  return formatTable(
    ['NAME', 'DEVICE', 'MODE', 'URI'],
    exports.map(({ name, device, readOnly, lost = false, uri }) => [
      name,
      device,
      lost ? 'lost' : readOnly ? 'ro' : 'rw',
      uri,
    ]),
  );
}
