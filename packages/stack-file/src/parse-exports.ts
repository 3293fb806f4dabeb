import { resolve } from 'node:path';
import type { KeyPath } from './key-path.ts';
import { type OpenDocument, placeOf } from './open-document.ts';
import type { RawExport } from './raw-stack.ts';
import { readFlag, readPort } from './read-scalars.ts';
import type { StackExport } from './stack.ts';
import type { AllSettings } from './stack-control.ts';

/** Where an export is served that names a port only. */
const DEFAULT_HOST = '127.0.0.1';

const MILLISECONDS = 1000;

/** The items of `exports`. */
export function parseExports(exports: readonly RawExport[], document: OpenDocument): StackExport[] {
  return exports.map((raw, index) => parseExport(raw, index, document));
}

function parseExport(raw: RawExport, index: number, document: OpenDocument): StackExport {
  const path = ['exports', index];
  const { device, name = device, unix, port = 0, host = DEFAULT_HOST, readOnly = false, description } = raw;
  return {
    kind: 'export',
    ...placeOf(path, document),
    device,
    name,
    address:
      unix === undefined
        ? { port: readPort(port, [...path, 'port'], document), host }
        : { path: resolve(document.directory, unix) },
    readOnly: readFlag(readOnly, [...path, 'readOnly'], document),
    ...(description === undefined ? {} : { description }),
    settings: settingsOf(raw, path, document),
  };
}

/** What is said of TLS, access, sizes and limits. Paths start in the folder of the file. */
function settingsOf(raw: RawExport, path: KeyPath, document: OpenDocument): AllSettings {
  const { allow, blockSizes, maxConnections, tls, idleTimeout, mode, group } = raw;
  return {
    ...(allow === undefined ? {} : { allow }),
    ...(blockSizes === undefined
      ? {}
      : { blockSizes: sizesOf(blockSizes, [...path, 'blockSizes'], document) }),
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(tls === undefined ? {} : { tls: tlsOf(tls, [...path, 'tls'], document) }),
    ...(idleTimeout === undefined ? {} : { idleTimeout: idleTimeout * MILLISECONDS }),
    ...(mode === undefined ? {} : { mode: parseInt(mode, 8) }),
    ...(group === undefined ? {} : { group }),
  };
}

function sizesOf(
  { strict = false, ...sizes }: NonNullable<RawExport['blockSizes']>,
  path: KeyPath,
  document: OpenDocument,
): NonNullable<AllSettings['blockSizes']> {
  return { ...sizes, strict: readFlag(strict, [...path, 'strict'], document) };
}

function tlsOf(
  { mode, certificates, psk, verifyPeer = false }: NonNullable<RawExport['tls']>,
  path: KeyPath,
  document: OpenDocument,
): NonNullable<AllSettings['tls']> {
  const { directory } = document;
  return {
    mode: mode === 'on' ? 'allow' : mode,
    verifyPeer: readFlag(verifyPeer, [...path, 'verifyPeer'], document),
    ...(certificates === undefined ? {} : { certificates: resolve(directory, certificates) }),
    ...(psk === undefined ? {} : { psk: resolve(directory, psk) }),
  };
}
