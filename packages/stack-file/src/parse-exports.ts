import { resolve } from 'node:path';
import { type OpenDocument, placeOf } from './open-document.ts';
import type { RawExport } from './raw-stack.ts';
import { readFlag, readPort } from './read-scalars.ts';
import type { StackExport } from './stack.ts';

/** Where an export is served that names a port only. */
const DEFAULT_HOST = '127.0.0.1';

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
  };
}
