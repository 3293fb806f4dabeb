import { BioFlag, BioOp, Status } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Setup } from './support.ts';

describe('which requests a rule is for', () => {
  let setup: Setup;

  async function start(words: string): Promise<void> {
    setup = await new Setup().start(words);
  }

  afterEach(() => setup.stop());

  async function failing(
    op: BioOp,
    asked: { sector?: number; count?: number; flags?: number } = {},
  ): Promise<boolean> {
    return (await setup.send({ op, ...asked })).status !== Status.Ok;
  }

  const { Read, Write, Flush, Discard, WriteZeroes } = BioOp;
  const OPS = [Read, Write, Flush, Discard, WriteZeroes];

  it.each([
    ['read', [true, false, false, false, false]],
    ['write', [false, true, false, false, false]],
    ['flush', [false, false, true, false, false]],
    ['discard', [false, false, false, true, false]],
    ['write-zeroes', [false, false, false, false, true]],
    ['flush,read', [true, false, true, false, false]],
    ['any', [true, true, true, true, true]],
  ])('on %s', async (ops, expected) => {
    await start(`on ${ops} do error`);
    const found: boolean[] = [];
    for (const op of OPS) found.push(await failing(op));
    expect(found).toEqual(expected);
  });

  it('sectors: those that touch one of them; never a flush', async () => {
    await start('on any sectors=100+8 do error');
    expect(await failing(Read, { sector: 99 })).toBe(false);
    expect(await failing(Read, { sector: 92, count: 8 })).toBe(false);
    expect(await failing(Read, { sector: 93, count: 8 })).toBe(true);
    expect(await failing(Write, { sector: 100 })).toBe(true);
    expect(await failing(Discard, { sector: 107, count: 20 })).toBe(true);
    expect(await failing(Read, { sector: 0, count: 500 })).toBe(true);
    expect(await failing(Read, { sector: 108 })).toBe(false);
    expect(await failing(Flush)).toBe(false);
  });

  it('sectors from 0 on are not those of a flush', async () => {
    await start('on any sectors=0+1024 do error');
    expect(await failing(Read)).toBe(true);
    expect(await failing(Flush)).toBe(false);
  });

  it('count: a length, or lengths', async () => {
    await start('on read count=8 do error on write count=2-4 do error');
    const reads: boolean[] = [];
    for (const count of [7, 8, 9]) reads.push(await failing(Read, { count }));
    expect(reads).toEqual([false, true, false]);
    const writes: boolean[] = [];
    for (const count of [1, 2, 4, 5]) writes.push(await failing(Write, { count }));
    expect(writes).toEqual([false, true, true, false]);
  });

  it.each([
    ['fua', [false, true, false]],
    ['plain', [true, false, true]],
  ])('flags=%s of writes: none, fua, preflush, which core makes a flush of', async (flags, expected) => {
    await start(`on write flags=${flags} do error`);
    const found: boolean[] = [];
    for (const given of [0, BioFlag.Fua, BioFlag.Preflush])
      found.push(await failing(Write, { flags: given }));
    expect(found).toEqual(expected);
  });

  it('flags=no-unmap of write-zeroes', async () => {
    await start('on write-zeroes flags=no-unmap do error');
    expect(await failing(WriteZeroes)).toBe(false);
    expect(await failing(WriteZeroes, { flags: BioFlag.NoUnmap })).toBe(true);
  });

  it('from and until, in milliseconds since it was attached, the first of them included', async () => {
    setup = new Setup();
    setup.clock.advance(12_345);
    await setup.start('on read from=10 until=20.5 do error');
    const found: boolean[] = [];
    for (const step of [0, 9.5, 0.5, 10, 0.5]) {
      setup.clock.advance(step);
      found.push(await failing(Read));
    }
    expect(found).toEqual([false, false, true, true, false]);
  });

  it.each([
    ['nth=3', '..x.......'],
    ['every=3', '..x..x..x.'],
    ['after=3', '...xxxxxxx'],
    ['times=3', 'xxx.......'],
    ['once', 'x.........'],
    ['after=2 nth=3', '....x.....'],
    ['after=1 every=4', '....x...x.'],
    ['every=2 times=2', '.x.x......'],
    ['after=4 times=2', '....xx....'],
    ['nth=3 times=1', '..x.......'],
    ['probability=1', 'xxxxxxxxxx'],
    ['probability=0', '..........'],
  ])('%s: %s', async (conditions, expected) => {
    await start(`on read ${conditions} do error`);
    expect(await setup.reads(10)).toBe(expected);
  });

  it('only requests that meet the other conditions count', async () => {
    await start('on read sectors=8+8 count=2 nth=2 do error');
    expect(await failing(Read, { sector: 8, count: 2 })).toBe(false);
    expect(await failing(Read, { sector: 8, count: 1 })).toBe(false);
    expect(await failing(Write, { sector: 8, count: 2 })).toBe(false);
    expect(await failing(Read, { sector: 16, count: 2 })).toBe(false);
    expect(await failing(Read, { sector: 9, count: 2 })).toBe(true);
  });

  it('times counts firings, and a match that probability spares is none', async () => {
    await start('seed=5 on read probability=0.5 times=3 do error');
    const reads = await setup.reads(40);
    expect(reads.split('x')).toHaveLength(4);
    expect(reads.indexOf('.')).toBeLessThan(reads.lastIndexOf('x'));
  });

  it('the first rule that fires decides; next goes on to the later ones', async () => {
    await start('on read nth=1 do pass on read nth=2 do error=ENOSPC on read do next on read do error=EPERM');
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) statuses.push(await setup.read());
    // The second rule never saw the first read, for the first rule decided it.
    expect(statuses).toEqual([Status.Ok, Status.Perm, Status.NoSpc]);
    expect(await setup.message('rules')).toBe(
      [
        '1 matches=3 fired=1 on read nth=1 do pass',
        '2 matches=2 fired=1 on read nth=2 do error=ENOSPC',
        '3 matches=1 fired=1 on read do next',
        '4 matches=1 fired=1 on read do error=EPERM',
      ].join('\n'),
    );
  });
});
