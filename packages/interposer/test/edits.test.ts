import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Random } from '@interposer/conformance';
import { bioPool, createEngine, type Edit, type Engine, type Port, SECTOR_SIZE } from '@interposer/core';
import { nbd } from '@interposer/device-nbd';
import { NbdServer } from '@interposer/frontend-nbd';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { createInterposer } from '../src/index.ts';
import { makeLayout } from './edits/layout.ts';
import { PATIENCE, StampedLoad } from './edits/stamped-load.ts';
import { applyByVerb, Stacks } from './edits/stacks.ts';
import { watchedFilters } from './edits/watched-filters.ts';
import { program, World } from './world.ts';

// Any edits in any order under clients: no request fails, none is lost or answered twice, and the data are right.
const EDITS = Number(process.env.INTERPOSER_EDITS ?? '500');
const SEED = Number(process.env.INTERPOSER_SEED ?? Date.now() % 2 ** 31);
const CONNECTIONS = 4;
const HALF = 16_384;
/** The load works on sectors on both sides of the middle, fio on those before and behind. */
const LOAD_FIRST = HALF - 2048;
const LOAD_SECTORS = 4096;
const FIO_BYTES = 2 ** 22;
/** So many requests end between two edits at most. */
const PACE = 10;

let world: World;
let problems: string[];
let engine: Engine;
let server: NbdServer;
/** What is kept open until the end. */
let ports: Port[];
let clients: Engine[];

beforeEach(async () => {
  world = new World();
  problems = [];
  clients = [];
  engine = createInterposer({ types: watchedFilters(problems) });
  engine.onEvent(({ kind, message }) => problems.push(`${kind}: ${message}`));
  server = new NbdServer({
    onEvent: ({ kind, message }) => {
      if (kind !== 'opened' && kind !== 'closed') problems.push(`${kind}: ${message}`);
    },
  });
  ports = [await engine.open(world.image('lower.img', HALF * SECTOR_SIZE), { claim: 'noexcl' })];
  ports.push(await engine.open(`ram:${String(HALF * SECTOR_SIZE)}`, { claim: 'noexcl' }));
});

afterEach(async () => {
  for (const port of ports.reverse()) port.close();
  for (const client of clients) await client.close();
  await server.close();
  await engine.close();
  await world.end();
});

/** The stack, served. */
async function serve(): Promise<Stacks> {
  const [lower, upper] = ports.map(({ device }) => device.name);
  const layout = makeLayout(lower!, upper!, HALF);
  for (const { name, table } of layout.devices) {
    if (table !== undefined) await engine.create(name, { table: table() });
  }
  await engine.create('spare', { table: `0 ${String(HALF)} zero` });
  const port = await engine.open('disk');
  ports.push(port);
  server.addExport({ name: 'disk', port });
  await server.listen({ path: world.path('disk.sock') });
  return new Stacks(layout);
}

function uri(): string {
  return `nbd+unix:///disk?socket=${world.path('disk.sock')}`;
}

/** Connections of their own: an engine shares one among all who name the same place. */
async function connectAll(): Promise<Port[]> {
  clients = Array.from({ length: CONNECTIONS }, () => createEngine({ types: [nbd] }));
  const opened = await Promise.all(clients.map((client) => client.open(uri())));
  ports.push(...opened);
  return opened;
}

async function checkStacks(stacks: Stacks): Promise<void> {
  const filters = await engine.filters();
  const found = filters.map(({ device, type, altitude }) => `${device} ${type}@${altitude}`);
  expect(found.sort()).toEqual(stacks.list().sort());
}

/** Several edits at once, of which the last cannot be. */
async function failToEdit(stacks: Stacks, random: Random): Promise<void> {
  const next = stacks.copy();
  const edits: Edit[] = [];
  for (let i = 0; i < 2; i++) next.addTo(edits, random);
  const table = `0 ${String(2 * HALF)} linear disk 0`;
  const refused = random.pick([
    { kind: 'attach', device: 'disk', filter: 'nosuch' },
    { kind: 'attach', device: 'over', filter: 'delay@1 late' },
    { kind: 'detach', device: 'disk', filter: '7' },
    { kind: 'reload', device: 'disk', table },
    { kind: 'remap-finish', mapped: 'left' },
  ] as const);
  await expect(engine.transaction([...edits, refused])).rejects.toThrow();
  await checkStacks(stacks);
}

async function edit(stacks: Stacks, random: Random): Promise<void> {
  const edits: Edit[] = [];
  stacks.addTo(edits, random);
  if (edits.length === 1 && random.chance(0.6)) return applyByVerb(engine, edits[0]!, random);
  while (random.chance(0.4)) stacks.addTo(edits, random);
  return engine.transaction(edits);
}

/** fio over both ends of the disk, again and again. What it finds is a problem. */
class FioRuns {
  runs = 0;
  done: boolean = !peer('fio');

  constructor(isOver: () => boolean) {
    if (this.done) return;
    const run = async (): Promise<void> => {
      do {
        await program('fio', ...fioArguments());
        this.runs++;
      } while (!isOver());
    };
    run()
      .catch((error: unknown) => problems.push(String(error)))
      .finally(() => (this.done = true));
  }
}

function fioArguments(): string[] {
  return [
    '--name=verify',
    '--ioengine=nbd',
    `--uri=${uri()}`,
    '--rw=randwrite',
    '--bsrange=4k-256k',
    '--iodepth=8',
    '--serialize_overlap=1',
    '--verify=crc32c',
    '--verify_fatal=1',
    '--verify_state_save=0',
    '--numjobs=2',
    `--size=${String(FIO_BYTES)}`,
    `--offset_increment=${String((LOAD_FIRST + LOAD_SECTORS) * SECTOR_SIZE)}`,
  ];
}

/** Edits until there were enough, and until fio is done. Answers what there was. */
async function editUnder(load: StampedLoad, stacks: Stacks): Promise<object> {
  const random = new Random(SEED);
  let edits = 0;
  const isSound = (): boolean => load.problems.length + problems.length === 0;
  const once = async (): Promise<void> => {
    await load.progress(random.below(PACE));
    const doIt = random.chance(0.05) ? failToEdit : edit;
    await doIt(stacks, random).catch((error: unknown) =>
      problems.push(`edit ${String(edits)}: ${String(error)}`),
    );
    edits++;
  };
  const fio = new FioRuns(() => edits >= EDITS || !isSound());
  while (edits < EDITS && isSound()) await once();
  const latest = performance.now() + PATIENCE;
  while (!fio.done && isSound() && performance.now() < latest) await once();
  await load.stop();
  if (!fio.done && isSound()) problems.push('a request of fio never ended');
  return { seed: SEED, edits, reads: load.reads, writes: load.writes, fioRuns: fio.runs };
}

describe('a disk that is edited while it is in use', () => {
  it(
    `${String(EDITS)} times, seed ${String(SEED)}: loses, repeats and reorders nothing`,
    async () => {
      const stacks = await serve();
      const connections = await connectAll();
      const load = new StampedLoad({
        ports: connections,
        first: LOAD_FIRST,
        sectors: LOAD_SECTORS,
        orderedFrom: HALF,
        random: new Random(SEED + 1),
      });
      load.start();
      const done = await editUnder(load, stacks);
      process.stdout.write(`edits ${JSON.stringify(done)}\n`);
      expect([...load.problems, ...problems]).toEqual([]);
      await checkStacks(stacks);

      load.check(await connections[0]!.read(LOAD_FIRST, LOAD_SECTORS), 'through the export');
      await engine.transaction(stacks.undo());
      await checkStacks(stacks);
      const below = [
        readFileSync(world.path('lower.img')),
        await engine.read(ports[1]!.device.name, 0, HALF),
      ];
      load.check(Buffer.concat(below).subarray(LOAD_FIRST * SECTOR_SIZE), 'on the disks below');
      expect([...load.problems, ...problems]).toEqual([]);
      expect([...bioPool.pending()]).toEqual([]);
    },
    60_000 + EDITS * 100,
  );
});
