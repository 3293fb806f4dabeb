import { setImmediate } from 'node:timers/promises';
import type { DeviceInfo, TableRow } from '@interposer/core';
import { type Step, tableText } from './case.ts';
import { digestOf, stampedSectors, unpackBytes } from './content.ts';
import type { Stage } from './stage.ts';

/** Does a step, answers what is seen of it where that is more than that it was done. */
type Action = (stage: Stage, step: Step) => Promise<string | undefined>;

/** What steps may do, by verb: those of dmsetup, requests to a device, and looks at a disk. */
export const ACTIONS: Readonly<Record<string, Action>> = {
  create: (stage, { name, rest }) => create(stage, name, rest, false),
  'create-readonly': (stage, { name, rest }) => create(stage, name, rest, true),
  'create-empty': async ({ engine }, { name }) => {
    await engine.create(name);
    return undefined;
  },
  load: async (stage, { name, rest }) => stage.wait(stage.engine.load(name, tableOf(stage, rest))).then(none),
  resume: async (stage, { name }) => stage.wait(stage.engine.resume(name)).then(none),
  suspend: async (stage, { name }) => stage.wait(stage.engine.suspend(name)).then(none),
  'suspend-noflush': async (stage, { name }) =>
    stage.wait(stage.engine.suspend(name, { noflush: true })).then(none),
  clear: async (stage, { name }) => stage.wait(stage.engine.clear(name)).then(none),
  remove: async (stage, { name }) => stage.wait(stage.engine.remove(name)).then(none),
  rename: async ({ engine }, { name, rest }) => engine.rename(name, rest).then(none),
  message: async (stage, { name, words: [sector = '', ...words] }) =>
    (await stage.wait(stage.engine.message(name, Number(sector), words))).trimEnd() || undefined,
  table: async (stage, { name }) => stage.named(rowsText(await stage.engine.table(name))),
  'table-keys': async (stage, { name }) =>
    stage.named(rowsText(await stage.engine.table(name, { showKeys: true }))),
  'table-inactive': async (stage, { name }) =>
    stage.named(rowsText(await stage.engine.table(name, { inactive: true }))),
  status: async (stage, { name }) => stage.named(rowsText(await stage.engine.status(name))),
  'status-inactive': async (stage, { name }) =>
    stage.named(rowsText(await stage.engine.status(name, { inactive: true }))),
  info: async ({ engine }, { name }) => infoText(await engine.info(name)),
  deps: async (stage, { name }) => {
    const devices = await stage.engine.deps(name);
    return stage.named(devices.map(({ major, minor }) => `${String(major)}:${String(minor)}`).join(' '));
  },
  read: (stage, { name, words }) =>
    stage.withPort(name, async (port) => digestOf(await port.read(...range(words)))),
  write: (stage, { name, words }) => {
    const [sector, count, from] = words.map(Number) as [number, number, number];
    return stage.withPort(name, (port) => port.write(sector, stampedSectors('W', from, count))).then(none);
  },
  put: (stage, { name, words: [sector, packed = ''] }) =>
    stage.withPort(name, (port) => port.write(Number(sector), unpackBytes(packed))).then(none),
  flush: (stage, { name }) => stage.withPort(name, (port) => port.flush()).then(none),
  discard: (stage, { name, words }) =>
    stage.withPort(name, (port) => port.discard(...range(words))).then(none),
  zero: (stage, { name, words }) =>
    stage.withPort(name, (port) => stage.zeroOut(port, ...range(words))).then(none),
  flushed: async (stage, { name }) => (stage.flushed(name) ? 'yes' : 'no'),
  wait: (stage, { name: milliseconds }) => stage.pass(Number(milliseconds)).then(none),
  settle: (stage, { name }) => stage.wait(settled(stage, name)).then(none),
  disk: async (stage, { name }) => digestOf(stage.disk(name).data),
};

/** Verbs that change nothing. */
export const LOOKS: readonly string[] = [
  'table',
  'table-keys',
  'table-inactive',
  'status',
  'status-inactive',
  'info',
  'deps',
  'read',
  'disk',
  'flushed',
];

function none(): undefined {
  return undefined;
}

async function create(stage: Stage, name: string, rest: string, readOnly: boolean): Promise<undefined> {
  await stage.wait(stage.engine.create(name, { table: tableOf(stage, rest), readOnly }));
  return undefined;
}

/** Until what a target does by itself is done. */
async function settled({ engine }: Stage, name: string): Promise<void> {
  while ((await engine.progress(name)).some(({ done, total }) => done < total)) await setImmediate();
}

function tableOf(stage: Stage, rest: string): string {
  return tableText(rest, (name) => stage.spec(name));
}

function range([sector, count]: readonly string[]): [sector: number, count: number] {
  return [Number(sector), Number(count)];
}

function rowsText(rows: readonly TableRow[]): string {
  return rows
    .map(({ start, length, type, params }) =>
      `${String(start)} ${String(length)} ${type} ${params}`.trimEnd(),
    )
    .join(' / ');
}

/** As `dmsetup info -c -o attr,open,segments,events`. */
function infoText({ live, inactive, suspended, readOnly, openCount, targets, eventNr }: DeviceInfo): string {
  const attributes = [
    live ? 'L' : '-',
    inactive ? 'I' : '-',
    suspended ? 's' : '-',
    readOnly ? 'r' : 'w',
  ].join('');
  return [attributes, openCount, targets, eventNr].join(' ');
}
