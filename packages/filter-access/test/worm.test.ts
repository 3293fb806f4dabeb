import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Random, spanTarget } from '@interposer/conformance';
import { BioOp, createEngine, Status } from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { afterEach, describe, expect, it } from 'vitest';
import { access } from '../src/index.ts';
import { PAGE_SECTORS, WrittenSectors } from '../src/written.ts';
import { EPERM, OK, Setup } from './support.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Twice: the first frees buffers in the background, which the second waits for. */
function collect(): void {
  gc();
  gc();
}

const { Read, Write, Discard, WriteZeroes } = BioOp;

describe('worm', () => {
  let setup: Setup;

  afterEach(() => setup.stop());

  async function start(spec: string): Promise<void> {
    setup = new Setup();
    await setup.start(spec);
  }

  it('each sector is written once; a write that touches a written one is refused as a whole', async () => {
    await start('access worm:8+16');
    expect(setup.send(Write, 8, 4)).toEqual(OK);
    expect(setup.send(Write, 10, 8)).toEqual(EPERM);
    expect(setup.contents(8, 16)).toBe('7777............');
    // The refused write used nothing up.
    expect(setup.send(Write, 12, 6)).toEqual(OK);
    expect(setup.send(WriteZeroes, 18, 4)).toEqual(OK);
    expect(setup.send(WriteZeroes, 21, 2)).toEqual(EPERM);
    expect(setup.send(Read, 8, 16)).toEqual(OK);
    expect(setup.contents(8, 16)).toBe('7777777777......');
  });

  it('sectors outside its range are written as often as one likes', async () => {
    await start('access worm:8+8');
    expect(setup.send(Write, 0, 10)).toEqual(OK);
    expect(setup.send(Write, 0, 8)).toEqual(OK);
    expect(setup.send(Write, 14, 10)).toEqual(OK);
    expect(setup.send(Write, 16, 8)).toEqual(OK);
    expect(setup.send(Write, 15, 2)).toEqual(EPERM);
    expect(setup.send(Write, 10, 4)).toEqual(OK);
  });

  it('nothing of it is discarded', async () => {
    await start('access worm:8+8');
    expect(setup.send(Discard, 8, 1)).toEqual(EPERM);
    expect(setup.send(Discard, 0, 9)).toEqual(EPERM);
    expect(setup.send(Discard, 0, 8)).toEqual(OK);
    expect(setup.send(Write, 8, 8)).toEqual(OK);
  });

  it('of two writes under way one is refused', async () => {
    await start('access worm');
    setup.disk.hold();
    const first = setup.send(Write, 0, 8);
    expect(setup.send(Write, 7, 2)).toEqual(EPERM);
    setup.disk.release();
    expect(first).toEqual(OK);
  });

  it('a failed write counts as one, for it may have written', async () => {
    await start('access worm');
    setup.disk.fail(Status.Io, { times: 1 });
    expect(setup.send(Write, 0, 8)).toEqual([Status.Io]);
    expect(setup.send(Write, 0, 8)).toEqual(EPERM);
  });

  it('a write that another rule refuses uses nothing up', async () => {
    await start('access worm ro:8+8');
    expect(setup.send(Write, 0, 9)).toEqual(EPERM);
    expect(setup.send(Write, 0, 8)).toEqual(OK);
  });

  it('what is written beside its range is neither asked for nor remembered', async () => {
    await start('access log=LOG worm:0+8');
    expect(setup.send(Write, 0, 8)).toEqual(OK);
    await setup.message('remove worm:0+8');
    await setup.message('add audit worm:8+8');
    expect(setup.send(Write, 4, 8)).toEqual(OK);
    expect(setup.send(Write, 12, 8)).toEqual(OK);
    await setup.message('add worm:16+8');
    expect(setup.send(Write, 16, 8)).toEqual(OK);
  });

  it('what was written is remembered when the rule goes and comes, and forgotten with the filter', async () => {
    await start('access worm');
    setup.send(Write, 0, 8);
    await setup.message('remove worm');
    expect(setup.send(Write, 0, 16)).toEqual(OK);
    await setup.message('add worm:0+64');
    expect(setup.send(Write, 0, 1)).toEqual(EPERM);
    // Written while there was no such rule.
    expect(setup.send(Write, 8, 8)).toEqual(OK);
    await setup.engine.swapFilter('disk', 'access', 'access worm');
    expect(setup.send(Write, 0, 16)).toEqual(OK);
  });
});

describe('written=allocated', () => {
  it('what is allocated when the rule comes counts as written', async () => {
    const engine = createEngine({ types: [ram, spanTarget, access] });
    const table = '0 512 span ram:512s 0';
    await engine.create('disk', { table });
    const data = new Uint8Array(128 * 512).fill(1);
    await engine.write('disk', 128, data);
    const allocated = (await engine.extents('disk', 0, 512)).filter(({ hole }) => !hole);
    expect(allocated).toEqual([{ sector: 128, count: 128, hole: false, zero: false }]);
    await engine.attachFilter('disk', 'access written=allocated worm:0+160');
    const write = (sector: number): Promise<void> => engine.write('disk', sector, new Uint8Array(512));
    await expect(write(128)).rejects.toMatchObject({ code: 'EPERM' });
    await expect(write(159)).rejects.toMatchObject({ code: 'EPERM' });
    await write(127);
    await write(160);
    await engine.messageFilter('disk', 'access', ['add', 'worm:161+200']);
    await expect(write(161)).rejects.toMatchObject({ code: 'EPERM' });
    await write(160);
    await write(256);
    await engine.close();
  });
});

describe('written=allocated, with other rules', () => {
  it('only what a worm rule is for counts as written', async () => {
    const engine = createEngine({ types: [ram, spanTarget, access] });
    await engine.create('disk', { table: '0 512 span ram:512s 0' });
    await engine.write('disk', 128, new Uint8Array(128 * 512).fill(1));
    await engine.attachFilter('disk', 'access written=allocated ro');
    await engine.messageFilter('disk', 'access', ['remove', 'ro']);
    await engine.discard('disk', 0, 512);
    await engine.messageFilter('disk', 'access', ['add', 'worm']);
    await engine.write('disk', 128, new Uint8Array(512));
    await engine.close();
  });
});

describe('the memory of what was written', () => {
  it('is that of a set of sectors', () => {
    const random = new Random(7);
    const size = 3 * PAGE_SECTORS;
    const written = new WrittenSectors();
    const model = new Uint8Array(size);
    for (let i = 0; i < 2000; i++) {
      const longest = i % 50 === 0 ? PAGE_SECTORS + 99 : 70;
      const sector = random.below(size - 1);
      const end = Math.min(size, sector + random.between(1, longest));
      expect(written.touches(sector, end)).toBe(model.subarray(sector, end).includes(1));
      if (i % 3 > 0) continue;
      written.add(sector, end);
      model.fill(1, sector, end);
    }
  });

  it('tells neighbours apart, at the ends of words and pages and far out', () => {
    const written = new WrittenSectors();
    const far = 2 ** 52 - PAGE_SECTORS;
    for (const sector of [0, 31, 64, PAGE_SECTORS - 1, PAGE_SECTORS + 1, far])
      written.add(sector, sector + 1);
    for (const sector of [0, 31, 64, PAGE_SECTORS - 1, PAGE_SECTORS + 1, far]) {
      expect(written.touches(sector, sector + 1)).toBe(true);
    }
    for (const [from, to] of [
      [1, 31],
      [32, 64],
      [65, PAGE_SECTORS - 1],
      [PAGE_SECTORS, PAGE_SECTORS + 1],
      [far - 9, far],
    ] as const) {
      expect(written.touches(from, to)).toBe(false);
    }
    expect(written.touches(30, 33)).toBe(true);
    expect(written.touches(PAGE_SECTORS - 2, PAGE_SECTORS + 9)).toBe(true);
  });

  it('takes no room for what is not touched, nor for what is written all over', () => {
    collect();
    const before = process.memoryUsage().arrayBuffers;
    const written = new WrittenSectors();
    written.add(2 ** 40, 2 ** 40 + 1);
    const sectors = 2 ** 25; // 16 GiB: 4 MiB of bits.
    for (let sector = 0; sector < sectors; sector += 20_000)
      written.add(sector, Math.min(sectors, sector + 20_000));
    collect();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
    expect(written.touches(sectors - 1, sectors)).toBe(true);
    expect(written.touches(sectors, 2 ** 40)).toBe(false);
  });
});
