import type { Edit } from '@interposer/core';
import { isScalar } from 'yaml';
import type { KeyPath } from './key-path.ts';
import {
  openDocument,
  type OpenDocument,
  type ParseOptions,
  readText,
  type ReadOptions,
} from './open-document.ts';
import { readAltitude, readFilter } from './read-filter.ts';
import { readTable } from './read-table.ts';

/** A transaction file that was read and found to be sound. */
export interface TransactionFile {
  /** The file as the user named it. */
  readonly file: string;
  /** Its folder, where relative paths in it start; absolute. */
  readonly directory: string;
  /** For `Control.transaction`. */
  readonly edits: readonly Edit[];
}

/** An item as the schema of transaction files allows it: one of these keys. */
interface RawEdit {
  readonly attach?: { readonly device: string; readonly filter: string };
  readonly detach?: { readonly device: string; readonly filter: string | number };
  readonly swap?: { readonly device: string; readonly old: string | number; readonly new: string };
  readonly reload?: { readonly device: string; readonly table: string | readonly string[] };
  readonly remap?: { readonly mapped: string; readonly device: string; readonly altitude?: string | number };
  readonly unremap?: { readonly mapped: string };
}

/** Reads a transaction file. Rejects as `parseTransaction`, and with what the system says where it cannot be read. */
export async function readTransactionFile(path: string, options: ReadOptions = {}): Promise<TransactionFile> {
  return parseTransaction(await readText(path), { ...options, file: path });
}

/**
 * The edits that a document lists: YAML or JSON. EINVAL with a line `file:line:column: what is wrong, what is allowed` for
 * each problem.
 */
export function parseTransaction(text: string, options: ParseOptions): TransactionFile {
  const document = openDocument('transaction', text, options);
  // The schema has made sure of the shape.
  const raw = document.data.root as unknown as readonly RawEdit[];
  const edits = raw.flatMap((edit, index) => parseEdit(edit, [index], document));
  document.problems.throwIfAny();
  return { file: options.file, directory: document.directory, edits };
}

function parseEdit(raw: RawEdit, path: KeyPath, document: OpenDocument): Edit[] {
  if (raw.attach !== undefined) {
    readFilter(raw.attach.filter, [...path, 'attach', 'filter'], document);
    return [{ kind: 'attach', ...raw.attach }];
  }
  if (raw.detach !== undefined) {
    const { device, filter } = raw.detach;
    return [{ kind: 'detach', device, filter: readWhich(filter, [...path, 'detach', 'filter'], document) }];
  }
  if (raw.swap !== undefined) {
    const { device, old, new: spec } = raw.swap;
    readFilter(spec, [...path, 'swap', 'new'], document);
    return [{ kind: 'swap', device, old: readWhich(old, [...path, 'swap', 'old'], document), new: spec }];
  }
  if (raw.reload !== undefined) {
    const { device, table } = raw.reload;
    return [{ kind: 'reload', device, table: readTable(table, [...path, 'reload', 'table'], document).text }];
  }
  return parseRemapEdit(raw, path, document);
}

function parseRemapEdit({ remap, unremap }: RawEdit, path: KeyPath, document: OpenDocument): Edit[] {
  if (unremap !== undefined) return [{ kind: 'remap-finish', mapped: unremap.mapped }];
  if (remap === undefined) return [];
  const { mapped, device } = remap;
  if (remap.altitude === undefined) return [{ kind: 'remap-start', mapped, device }];
  const altitude = readAltitude(remap.altitude, [...path, 'remap', 'altitude'], document);
  return altitude === undefined ? [] : [{ kind: 'remap-start', mapped, device, altitude }];
}

/** A filter that is there: by type, by altitude, or by both. An altitude may be a number in the file. */
function readWhich(value: string | number, path: KeyPath, document: OpenDocument): string {
  const { node } = document.data.mark(path);
  if (typeof value === 'number') return (isScalar(node) ? node.source : undefined) ?? String(value);
  const [, altitude] = /^(?:[^@]*@)?(\d.*)$/.exec(value) ?? [];
  if (altitude !== undefined) readAltitude(altitude, path, document);
  return value;
}
