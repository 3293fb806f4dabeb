import type { PathNode, TableRow } from '@interposer/core';
import type { Verb } from '../verb.ts';

/** A line of the drawing, with what hangs below it. */
interface Branch {
  readonly text: string;
  readonly below: readonly Branch[];
}

export const explain: Verb = {
  name: 'explain',
  operands: 'DEV',
  count: [1, 1],
  summary: 'Draw the path of a request through a device and all below it',
  about:
    'From the top: the filters by altitude, then the driver at the bottom, or the lines of the table with the devices they use.',
  options: [],
  examples: [{ command: 'interposer explain disk', about: 'What a request to disk goes through' }],
  run: async (command) => {
    const service = await command.service();
    const path = await service.explain(command.operands[0]!);
    command.show(path, () => draw(deviceBranch(path), '', ''));
    return undefined;
  },
};

function deviceBranch({ device, sectors, filters, driver, rows }: PathNode): Branch {
  const number = `${String(device.major)}:${String(device.minor)}`;
  const below: Branch[] = [
    ...filters.map(({ type, altitude, args }) =>
      leaf(`filter ${type}@${altitude}${args === '' ? '' : ` ${args}`}`),
    ),
    ...(driver === undefined ? [] : [leaf(`driver ${driver}`)]),
    ...rows.map((row) => ({ text: `sectors ${rowText(row.row)}`, below: row.below.map(deviceBranch) })),
  ];
  if (driver === undefined && rows.length === 0) below.push(leaf('no table'));
  return { text: `${device.name} (${number}), ${String(sectors)} sectors`, below };
}

function leaf(text: string): Branch {
  return { text, below: [] };
}

function rowText({ start, length, type, params }: TableRow): string {
  return `${String(start)}+${String(length)}: ${type}${params === '' ? '' : ` ${params}`}`;
}

function draw({ text, below }: Branch, prefix: string, indent: string): string {
  const children = below.map((branch, at) => {
    const isLast = at === below.length - 1;
    return draw(branch, `${indent}${isLast ? '`- ' : '|- '}`, `${indent}${isLast ? '   ' : '|  '}`);
  });
  return `${prefix}${text}\n${children.join('')}`;
}
