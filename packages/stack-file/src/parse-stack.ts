import { parseExports } from './parse-exports.ts';
import {
  openDocument,
  placeOf,
  type OpenDocument,
  type ParseOptions,
  readText,
  type ReadOptions,
} from './open-document.ts';
import { readFlag } from './read-scalars.ts';
import { readAltitude, readFilter } from './read-filter.ts';
import { readTable } from './read-table.ts';
import type { RawStack } from './raw-stack.ts';
import { reportRepeated } from './repeated.ts';
import type { Stack, StackDevice, StackFilter, StackItem, StackRemap, StackRule } from './stack.ts';

/** Reads a stack file. Rejects as `parseStack`, and with what the system says where the file cannot be read. */
export async function readStackFile(path: string, options: ReadOptions = {}): Promise<Stack> {
  return parseStack(await readText(path), { ...options, file: path });
}

/**
 * The stack that a document describes: YAML or JSON. EINVAL with a line `file:line:column: what is wrong, what is allowed`
 * for each problem; values are not quoted, since they may be secrets.
 */
export function parseStack(text: string, options: ParseOptions): Stack {
  const document = openDocument('stack', text, options);
  // The schema has made sure of the shape.
  const raw = document.data.root as unknown as RawStack;
  const items: StackItem[] = [
    ...Object.entries(raw.devices ?? {}).map(([name, device]) => parseDevice(name, device, document)),
    ...Object.entries(raw.filters ?? {}).flatMap(([device, filters]) =>
      filters.map((filter, index) => parseFilter(device, filter, index, document)),
    ),
    ...Object.entries(raw.remaps ?? {}).map(([mapped, remap]) => parseRemap(mapped, remap, document)),
    ...(raw.rules ?? []).map((rule, index) => parseRule(rule, index, document)),
    ...parseExports(raw.exports ?? [], document),
  ];
  reportRepeated(items, document.problems);
  document.problems.throwIfAny();
  return { file: options.file, directory: document.directory, items };
}

function parseDevice(
  name: string,
  { table, uuid, readOnly = false }: NonNullable<RawStack['devices']>[string],
  document: OpenDocument,
): StackDevice {
  const path = ['devices', name];
  const { text, lines } = readTable(table, [...path, 'table'], document);
  return {
    kind: 'device',
    ...placeOf(path, document),
    name,
    table: text,
    lines,
    ...(uuid === undefined ? {} : { uuid }),
    readOnly: readFlag(readOnly, [...path, 'readOnly'], document),
  };
}

function parseFilter(device: string, filter: string, index: number, document: OpenDocument): StackFilter {
  const path = ['filters', device, index];
  return {
    kind: 'filter',
    ...placeOf(path, document),
    device,
    filter,
    ...readFilter(filter, path, document),
  };
}

function parseRemap(
  mapped: string,
  remap: NonNullable<RawStack['remaps']>[string],
  document: OpenDocument,
): StackRemap {
  const path = ['remaps', mapped];
  const item = { kind: 'remap', ...placeOf(path, document), mapped } as const;
  if (typeof remap === 'string') return { ...item, device: remap };
  if (remap.altitude === undefined) return { ...item, device: remap.device };
  const altitude = readAltitude(remap.altitude, [...path, 'altitude'], document);
  return { ...item, device: remap.device, ...(altitude === undefined ? {} : { altitude }) };
}

function parseRule(
  { pattern, filter }: NonNullable<RawStack['rules']>[number],
  index: number,
  document: OpenDocument,
): StackRule {
  const path = ['rules', index];
  readFilter(filter, [...path, 'filter'], document);
  return { kind: 'rule', ...placeOf(path, document), pattern, filter };
}
