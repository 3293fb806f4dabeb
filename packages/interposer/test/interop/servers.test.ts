import { readFileSync } from 'node:fs';
import { BioFlag, type Extent, mergeExtents, type Port } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { peer } from '../../../../tools/peers.ts';
import { createInterposer } from '../../src/index.ts';
import { useBundle } from './bundle.ts';
import { IMAGE_BYTES, makeFresh, pattern, RUNS } from './images.ts';
import type { Served } from './our-server.ts';
import { type Setting, SETTINGS, uriOf } from './places.ts';
import { type Server, SERVERS } from './servers.ts';

// Our client on other people's servers and our own, each time two of them below one device: first one behind the other,
// then striped. What is read and written is compared with the images that the servers have.
const world = useBundle();
const SECTOR = 512;
const SECTORS = IMAGE_BYTES / SECTOR;
const CHUNK = 128;

/** Gives whole images as the device over them is laid out. */
interface Layout {
  readonly name: string;
  readonly table: (one: string, two: string) => string;
  readonly join: (one: Buffer, two: Buffer) => Buffer;
}

const LINEAR: Layout = {
  name: 'linear',
  table: (one, two) =>
    `0 ${String(SECTORS)} linear ${one} 0\n${String(SECTORS)} ${String(SECTORS)} linear ${two} 0`,
  join: (one, two) => Buffer.concat([one, two]),
};

const STRIPED: Layout = {
  name: 'striped',
  table: (one, two) => `0 ${String(2 * SECTORS)} striped 2 ${String(CHUNK)} ${one} 0 ${two} 0`,
  join: (one, two) => {
    const size = CHUNK * SECTOR;
    const chunks = Array.from({ length: IMAGE_BYTES / size }, (_, at) => [
      one.subarray(at * size, (at + 1) * size),
      two.subarray(at * size, (at + 1) * size),
    ]);
    return Buffer.concat(chunks.flat());
  },
};

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  // What could not be closed must not keep the servers running.
  const ends = await Promise.allSettled(cleanups.splice(0).map((cleanup) => cleanup()));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
});

/** Many requests at once, of all sizes and kinds; afterwards the model has what the device has. */
async function change(port: Port, model: Buffer): Promise<void> {
  const write = (sector: number, count: number, flags = 0): Promise<void> => {
    const data = pattern(count * SECTOR, sector);
    data.copy(model, sector * SECTOR);
    return port.write(sector, data, flags);
  };
  const sizes = [1, 8, 127, 128, 500, 2048];
  const writes: Promise<void>[] = [];
  for (let sector = 1000, at = 0; sector < 10_000; at++) {
    const count = sizes[at % sizes.length]!;
    writes.push(write(sector, count, at % 5 === 0 ? BioFlag.Fua : 0));
    sector += count + (at % 3);
  }
  await Promise.all(writes);
  await Promise.all([
    port.writeZeroes(1007, 3000),
    port.writeZeroes(5001, 300, BioFlag.NoUnmap),
    port.discard(7000, 2000),
  ]);
  model.fill(0, 1007 * SECTOR, 4007 * SECTOR);
  model.fill(0, 5001 * SECTOR, 5301 * SECTOR);
  // What is in a discarded range now, the server says.
  Buffer.from(await port.read(7000, 2000)).copy(model, 7000 * SECTOR);
  await port.flush();
}

/** The device has the bytes of the model, and none that are said to be zero are not. */
async function expectContent(port: Port, model: Buffer): Promise<void> {
  const sectors = model.length / SECTOR;
  expect(Buffer.from(await port.read(0, sectors)).equals(model)).toBe(true);
  for (const { sector, count, zero } of await port.extents(0, sectors)) {
    const run = model.subarray(sector * SECTOR, (sector + count) * SECTOR);
    if (zero) expect(run.equals(Buffer.alloc(run.length))).toBe(true);
  }
}

/** Two fresh images, one behind the other. */
const FRESH: readonly Extent[] = mergeExtents(
  [0, IMAGE_BYTES].flatMap((base) =>
    RUNS.map(({ offset, length, data }) => ({
      sector: (base + offset) / SECTOR,
      count: length / SECTOR,
      hole: !data,
      zero: !data,
    })),
  ),
);

async function tryOut({ name, extents, start }: Server, setting: Setting): Promise<void> {
  const cell = `${name}-${setting.transport}-${setting.security}`.replaceAll(' ', '-');
  const images = ['one', 'two'].map((image) => world.path(`${cell}-${image}.img`));
  images.forEach((image, seed) => makeFresh(image, seed));
  const servers: Served[] = [];
  for (const image of images) {
    const server = await start(world, image, setting);
    servers.push(server);
    cleanups.push(() => server.stop());
  }
  const contents = (): Buffer[] => images.map((image) => readFileSync(image));
  const said: unknown[] = [];
  const engine = createInterposer();
  engine.onEvent((event) => said.push(event));
  cleanups.unshift(() => engine.close());
  const uris = servers.map(remoteOf);

  for (const { name: kind, table, join } of [LINEAR, STRIPED]) {
    const model = join(contents()[0]!, contents()[1]!);
    await engine.create(kind, { table: table(uris[0]!, uris[1]!) });
    const port = await engine.open(kind);
    if (kind === 'linear' && extents) {
      expect(mergeExtents(await port.extents(0, 2 * SECTORS))).toEqual(FRESH);
    }
    await expectContent(port, model);
    await change(port, model);
    await expectContent(port, model);
    expect(join(contents()[0]!, contents()[1]!).equals(model)).toBe(true);
    port.close();
    await engine.remove(kind);
  }
  expect(said).toEqual([]);
}

for (const server of SERVERS) {
  describe(`our client to ${server.name} over`, () => {
    for (const setting of SETTINGS.filter((one) => server.can?.(one) ?? true)) {
      const { transport, security } = setting;
      it.skipIf(!peer(...server.programs))(`${transport}, ${security}`, () => tryOut(server, setting));
    }
  });
}

function remoteOf({ place }: Served): string {
  const uri = uriOf(place);
  return `${uri}${uri.includes('?') ? '&' : '?'}connections=3`;
}
