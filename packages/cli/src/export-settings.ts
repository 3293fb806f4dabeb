import { fail } from '@interposer/core';
import { ACCESS_GRAMMAR } from '@interposer/frontend-nbd';
import type { Options } from './command-line.ts';
import type { ExportSettings, SocketSettings } from '@interposer/stack-file';
import { withoutUndefined } from './without-undefined.ts';

/** Names of the options that say how a socket behaves and how a device is served on it. */
export const EXPORT_OPTIONS: readonly string[] = [
  'tls',
  'tls-certificates',
  'tls-verify-peer',
  'tls-psk',
  'allow',
  'block-size',
  'strict-blocks',
  'max-connections',
  'idle-timeout',
  'socket-mode',
  'socket-group',
];

/** For the help of verbs that serve. */
export const EXPORT_ABOUT: string =
  '--tls require takes clients with TLS only, --tls on those that ask for it too; --tls-certificates is a folder as libnbd, ' +
  'nbdkit and qemu keep it (ca-cert.pem, server-cert.pem, server-key.pem), --tls-psk a file of lines NAME:KEY. An export ' +
  'takes the clients for whom all words of one --allow hold, or all clients without it; the words are ' +
  `${ACCESS_GRAMMAR}.`;

const MILLISECONDS = 1000;

/** What the options say, for the request of an export. EINVAL for values that are none. */
export function exportSettings(options: Options): ExportSettings & SocketSettings {
  const allow = options.all('allow');
  const maxConnections = whole(options, 'max-connections');
  const idle = whole(options, 'idle-timeout');
  const mode = socketMode(options);
  const group = options.get('socket-group');
  const tls = tlsSettings(options);
  const blockSizes = blockSizesOf(options);
  return withoutUndefined({
    allow: allow.length === 0 ? undefined : allow,
    maxConnections,
    blockSizes,
    tls,
    idleTimeout: idle === undefined ? undefined : idle * MILLISECONDS,
    mode,
    group,
  });
}

function tlsSettings(options: Options): SocketSettings['tls'] {
  const mode = options.get('tls');
  const certificates = options.get('tls-certificates');
  const psk = options.get('tls-psk');
  const verifyPeer = options.has('tls-verify-peer');
  if (mode === undefined) {
    if (certificates === undefined && psk === undefined && !verifyPeer) return undefined;
    throw fail('EINVAL', 'say --tls on or --tls require, too');
  }
  if (mode !== 'off' && mode !== 'on' && mode !== 'require') {
    throw fail('EINVAL', `--tls ${mode}: want off, on or require`);
  }
  return {
    mode: mode === 'on' ? 'allow' : mode,
    verifyPeer,
    ...withoutUndefined({ certificates, psk }),
  };
}

/** `MINIMUM[:PREFERRED[:MAXIMUM]]` in bytes, with K and M. */
function blockSizesOf(options: Options): ExportSettings['blockSizes'] {
  const text = options.get('block-size');
  const strict = options.has('strict-blocks');
  if (text === undefined) return strict ? { strict } : undefined;
  const [minimum, preferred, maximum, ...more] = text.split(':').map(bytesOf);
  if (more.length > 0 || [minimum, preferred, maximum].some(Number.isNaN)) {
    throw fail('EINVAL', `--block-size ${text}: want MINIMUM[:PREFERRED[:MAXIMUM]], e.g. 4096:64K:1M`);
  }
  return {
    strict,
    minimum: minimum!,
    ...withoutUndefined({ preferred, maximum }),
  };
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20 };

function bytesOf(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([KM]?)$/.exec(text) ?? [];
  return digits === undefined ? NaN : Number(digits) * UNITS[unit]!;
}

function whole(options: Options, name: string): number | undefined {
  const text = options.get(name);
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw fail('EINVAL', `--${name} ${text}: want a whole number from 1 on`);
}

function socketMode(options: Options): number | undefined {
  const text = options.get('socket-mode');
  if (text === undefined) return undefined;
  if (/^0?[0-7]{3}$/.test(text)) return parseInt(text, 8);
  throw fail('EINVAL', `--socket-mode ${text}: want three octal digits, e.g. 660`);
}
