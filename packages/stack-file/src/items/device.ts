import { type DeviceInfo, splitWords, type TableLine, type TableRow } from '@interposer/core';
import { sameWords } from '../compare-words.ts';
import { ifThere } from '../device-words.ts';
import type { StackDevice } from '../stack.ts';
import type { StackControl } from '../stack-control.ts';
import { wantedText } from '../wanted-text.ts';
import type { Difference, ItemKind } from './kind.ts';

/** Mapped devices. */
export const deviceKind: ItemKind<StackDevice> = {
  label: ({ name }) => `device ${name}`,
  async find(control, item) {
    const info = await ifThere(control.info(item.name));
    if (info === undefined) return undefined;
    const differs = infoDifference(item, info) ?? (await tableDifference(control, item));
    return { remove: () => control.remove(item.name), ...(differs === undefined ? {} : { differs }) };
  },
  async make(control, { name, table, uuid, readOnly }) {
    await control.create(name, { table, readOnly, ...(uuid === undefined ? {} : { uuid }) });
    return () => control.remove(name);
  },
};

function infoDifference({ uuid, readOnly }: StackDevice, info: DeviceInfo): Difference | undefined {
  if (uuid !== undefined && uuid !== info.uuid) {
    return { wanted: `uuid ${uuid}`, running: info.uuid === '' ? 'no uuid' : `uuid ${info.uuid}` };
  }
  if (readOnly === info.readOnly) return undefined;
  return { wanted: modeText(readOnly), running: modeText(info.readOnly) };
}

function modeText(readOnly: boolean): string {
  return readOnly ? 'read-only' : 'writable';
}

async function tableDifference(
  control: StackControl,
  { name, lines }: StackDevice,
): Promise<Difference | undefined> {
  const rows = await control.table(name, { showKeys: true });
  const shown = await control.table(name);
  for (let index = 0; index < Math.max(lines.length, rows.length); index++) {
    const [line, row] = [lines[index], rows[index]];
    if (line !== undefined && row !== undefined && (await sameLine(control, line, row))) continue;
    return { wanted: lineText(line, shown[index]), running: rowText(shown[index]) };
  }
  return undefined;
}

async function sameLine(control: StackControl, line: TableLine, row: TableRow): Promise<boolean> {
  if (line.start !== row.start || line.length !== row.length || line.type !== row.type) return false;
  return sameWords(control, line.words, splitWords(row.params));
}

function lineText(line: TableLine | undefined, row: TableRow | undefined): string {
  if (line === undefined) return 'no such table line';
  const running = row === undefined ? undefined : { type: row.type, words: splitWords(row.params) };
  return `${String(line.start)} ${String(line.length)} ${wantedText(line, running)}`;
}

function rowText(row: TableRow | undefined): string {
  if (row === undefined) return 'no such table line';
  return `${String(row.start)} ${String(row.length)} ${row.type} ${row.params}`.trim();
}
