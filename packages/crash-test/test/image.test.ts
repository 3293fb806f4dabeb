import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryDriver } from '@interposer/conformance';
import {
  createEngine,
  type Driver,
  type Engine,
  type Extent,
  type Port,
  Random,
  SECTOR_SIZE,
} from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BaseImage } from '../src/base-image.ts';
import { Content } from '../src/content.ts';
import { crashImage, crashImageDriver, type CrashState, writeImage } from '../src/index.ts';
import { walkEpochs } from '../src/epoch-states.ts';
import { readHistory } from '../src/history.ts';
import { Overlay } from '../src/overlay.ts';
import { contentOf, type Disks, lettersOf, logOf, open, sectorsOf } from './logs.ts';
import { statesOf } from './states.ts';

describe('a state as an image', () => {
  let disks: Disks;
  let state: CrashState;
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'crash-test-'));
    disks = await open('aaaa....bbbb....', [
      ['write', 2, 'cccc'],
      ['flush'],
      ['discard', 8, 2],
      ['write', 14, 'dd'],
    ]);
    state = (await statesOf(disks)).find(({ epoch, lost }) => epoch === 1 && lost.length === 0)!;
  });
  afterEach(async () => {
    await disks.close();
    await rm(folder, { recursive: true });
  });

  it('is read in any part', async () => {
    expect(await contentOf(state)).toBe('aacccc....bb..dd');
    expect(lettersOf(await state.read(5, 6))).toBe('c....b');
    expect(await state.read(3, 0)).toHaveLength(0);
    await expect(state.read(15, 2)).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('says what is a hole', () => {
    const hole = { hole: true, zero: true };
    const data = { hole: false, zero: false };
    // A chunk of the base is data as a whole.
    expect(state.extents(0, 16)).toEqual([
      { sector: 0, count: 8, ...data },
      { sector: 8, count: 2, ...hole },
      { sector: 10, count: 6, ...data },
    ]);
  });

  it('is written to a file, over what was there', async () => {
    const path = join(folder, 'image');
    await writeImage(state, path);
    expect(lettersOf(await readFile(path))).toBe('aacccc....bb..dd');
    const [first] = await statesOf(disks);
    await writeImage(first!, path);
    expect(lettersOf(await readFile(path))).toBe('aaaa....bbbb....');
    await expect(writeImage(state, join(folder, 'none', 'image'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is a device that takes writes and forgets them', async () => {
    const type = crashImageDriver();
    const engine = createEngine({ types: [type] });
    const port = await engine.open(type.add(state));
    expect(lettersOf(await port.read(0, 16))).toBe('aacccc....bb..dd');
    await port.write(1, sectorsOf('xx'));
    await port.discard(10, 1);
    await port.flush();
    expect(lettersOf(await port.read(0, 16))).toBe('axxccc.....b..dd');
    port.close();
    await engine.close();
    expect(await contentOf(state)).toBe('aacccc....bb..dd');
  });

  it('is as it was each time it is opened, until it is removed', async () => {
    const type = crashImageDriver();
    const engine = createEngine({ types: [type] });
    for (let round = 0; round < 3; round++) {
      await engine.write(type.add(state), 0, sectorsOf('z'));
      expect(lettersOf(await engine.read(type.add(state), 0, 2))).toBe('aa');
    }
    type.remove(state);
    await expect(engine.open(`crash:${state.id}`)).rejects.toMatchObject({ code: 'ENOENT' });
    await engine.close();
  });

  it('has what was written and what was not as extents', async () => {
    const type = crashImageDriver();
    const engine = createEngine({ types: [type] });
    const port = await engine.open(type.add(state));
    await port.write(8, sectorsOf('y'));
    const extents: Extent[] = await port.extents(6, 6);
    expect(extents.map(({ sector, count, zero }) => [sector, count, zero])).toEqual([
      [6, 3, false],
      [9, 1, true],
      [10, 2, false],
    ]);
    port.close();
    await engine.close();
  });

  it('can be had as a driver alone', async () => {
    const driver: Driver = crashImage(state);
    expect(driver.limits.sectors).toBe(16);
    await driver.close();
  });
});

describe('a large disk', () => {
  let engine: Engine;
  let base: Port;
  let log: Port;
  beforeEach(async () => {
    const driver = memoryDriver();
    const bytes = logOf([['discard', 0, 2 ** 31], ['write', 2 ** 30, 'abc'], ['flush']]);
    driver.add('log', { sectors: bytes.length / SECTOR_SIZE }).data.set(bytes);
    engine = createEngine({ types: [ram, driver] });
    base = await engine.open('ram:1T');
    await base.write(5000, sectorsOf('x'.repeat(300)));
    log = await engine.open('memory:log');
  });
  afterEach(async () => {
    base.close();
    log.close();
    await engine.close();
  });

  it('costs what it has data, a discard of all of it included', async () => {
    const states = await statesOf({ base, log });
    expect(states.length).toBeGreaterThan(10);
    const data = states.map((state) => state.extents(0, state.sectors).filter(({ zero }) => !zero));
    expect(data[0]).toEqual([{ sector: 4992, count: 384, hole: false, zero: false }]);
    expect(data).toContainEqual([{ sector: 2 ** 30, count: 3, hole: false, zero: false }]);
    const folder = await mkdtemp(join(tmpdir(), 'crash-test-'));
    const path = join(folder, 'image');
    await writeImage(states[0]!, path);
    const { size, blocks } = await stat(path);
    expect(size).toBe(2 ** 40);
    expect(blocks).toBeLessThan(5000);
    await rm(folder, { recursive: true });
  });

  it('is a device whose parts can all be discarded', async () => {
    const [first] = await statesOf({ base, log });
    const type = crashImageDriver();
    const other = createEngine({ types: [type] });
    const port = await other.open(type.add(first!));
    await port.discard(0, 2 ** 31);
    await port.writeZeroes(7, 2 ** 31 - 7);
    expect(lettersOf(await port.read(5299, 2))).toBe('..');
    await port.write(2 ** 31 - 1, sectorsOf('e'));
    expect(lettersOf(await port.read(2 ** 31 - 2, 2))).toBe('.e');
    port.close();
    await other.close();
  });
});

describe('a base that does not fit into memory', () => {
  it('is read where it is asked for', async () => {
    const driver = memoryDriver();
    const disk = driver.add('base', { sectors: 1000, limits: { logicalBlock: 4096 } });
    const random = new Random(1);
    for (let sector = 0; sector < 1000; sector++)
      if (random.chance(0.3)) disk.data.fill(random.between(1, 255), sector * 512, sector * 512 + 512);
    disk.data.fill(0, 256 * 512, 512 * 512);
    const engine = createEngine({ types: [driver] });
    const port = await engine.open('memory:base');
    const [all, none] = [await BaseImage.open(port), await BaseImage.open(port, 3 * 65536)];
    expect(none.hash).toBe(all.hash);
    const [known, read] = [new Content(all, [Overlay.EMPTY]), new Content(none, [])];
    const reads = disk.arrived[0]!;
    for (const [sector, count] of [
      [0, 1000],
      [3, 200],
      [250, 300],
      [999, 1],
      [300, 100],
    ] as const) {
      const [one, other] = [new Uint8Array(count * 512).fill(7), new Uint8Array(count * 512).fill(8)];
      expect(known.readNow(sector, count, one, 0)).toBe(true);
      await read.readInto(sector, count, other, 0);
      expect(Buffer.compare(one, disk.data.subarray(sector * 512, (sector + count) * 512))).toBe(0);
      expect(Buffer.compare(one, other)).toBe(0);
    }
    expect(read.readNow(0, 1000, new Uint8Array(512_000), 0)).toBe(false);
    expect(disk.arrived[0]).toBeGreaterThan(reads);

    const bytes = logOf([['write', 3, 'ab'], ['flush']]);
    driver.add('log', { sectors: bytes.length / 512 }).data.set(bytes);
    const log = await engine.open('memory:log');
    const history = await readHistory(log, 1000);
    log.close();
    const type = crashImageDriver();
    const other = createEngine({ types: [type] });
    for await (const states of walkEpochs(
      none,
      history,
      ({ writes }) => new Map(writes.map((one) => [one, []])),
    )) {
      if (states.epoch.number === 0) continue;
      const image = await other.open(type.add(states.state({ pieces: [], promised: 0 })));
      expect(image.limits.logicalBlock).toBe(4096);
      await image.write(504, sectorsOf('x'.repeat(8)));
      const data = await image.read(0, 1000);
      expect(lettersOf(data.subarray(3 * 512, 5 * 512))).toBe('ab');
      expect(lettersOf(data.subarray(504 * 512, 512 * 512))).toBe('xxxxxxxx');
      expect(Buffer.compare(data.subarray(520 * 512), disk.data.subarray(520 * 512))).toBe(0);
      port.close();
      await expect(image.read(0, 1000)).rejects.toMatchObject({ code: 'EIO' });
      image.close();
    }
    await other.close();
    await expect(read.readInto(0, 1000, new Uint8Array(512_000), 0)).rejects.toMatchObject({
      code: 'ENODEV',
    });
    await engine.close();
  });
});
