import { BioFlag, BioOp, Status } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DISK, Setup } from './support.ts';

describe('the messages of the filter stats', () => {
  let setup: Setup;

  beforeEach(async () => {
    setup = new Setup();
    await setup.start('stats areas=8');
  });

  afterEach(() => setup.stop());

  /** Reads that take 2 ms, a slow failing write, a flush at once. */
  function work(): void {
    setup.clock.advance(1000);
    setup.disk.hold();
    for (let sector = 0; sector < 32; sector += 8) setup.send(BioOp.Read, sector, 8);
    setup.clock.advance(2);
    setup.disk.release();
    setup.disk.fail(Status.Io, { times: 1 });
    setup.disk.hold();
    setup.send(BioOp.Write, 120, 16, BioFlag.Fua);
    setup.clock.advance(1500);
    setup.disk.release();
    setup.send(BioOp.Flush, 0, 0);
  }

  it('report: tables of counts, latencies and sizes', async () => {
    work();
    expect(await setup.message('report')).toBe(
      [
        'disk: 2.502 s',
        '',
        'counts  bios  sectors  bytes  errors  sequential  in flight  at most',
        'read       4       32  16384       0       75.0%          0        4',
        'write      1       16   8192       1        0.0%          0        1',
        'flush      1        0      0       0        0.0%          0        1',
        '',
        'FUA writes: 1',
        '',
        'latency    mean     p50     p90     p99   p99.9     max',
        'read     2.00ms  2.00ms  2.00ms  2.00ms  2.00ms  2.00ms',
        'write     1.50s   1.50s   1.50s   1.50s   1.50s   1.50s',
        'flush       0ns     0ns     0ns     0ns     0ns     0ns',
        '',
        'sectors  read  write',
        '8-15        4      0',
        '16-31       0      1',
      ].join('\n'),
    );
  });

  it('report: what has not ended yet, and nothing where there is nothing', async () => {
    expect(await setup.message('report')).toBe('disk: 0.000 s, no bios');
    setup.disk.hold();
    setup.send(BioOp.Discard, 0, 8);
    expect(await setup.message('report')).toBe(
      [
        'disk: 0.000 s',
        '',
        'counts   bios  sectors  bytes  errors  sequential  in flight  at most',
        'discard     0        0      0       0           -          1        1',
        '',
        'FUA writes: 0',
      ].join('\n'),
    );
    setup.disk.release();
  });

  it('heat: the areas that were used', async () => {
    expect(await setup.message('heat')).toBe('disk: 0 of 8 areas of 128 sectors were used');
    work();
    const bar = (length: number): string => '#'.repeat(length);
    expect(await setup.message('heat')).toBe(
      [
        'disk: 2 of 8 areas of 128 sectors were used',
        '',
        'sectors  reads  writes',
        `0-127        4       1  ${bar(40)}`,
        `128-255      0       1  ${bar(8)}`,
      ].join('\n'),
    );
  });

  it('json: everything', async () => {
    work();
    const read = { sum: 8e6, mean: 2e6, p50: 2e6, p90: 2e6, p99: 2e6, 'p99.9': 2e6, max: 2e6 };
    expect(await setup.report()).toEqual({
      version: 1,
      device: DISK,
      milliseconds: 2502,
      operations: {
        read: {
          bios: 4,
          sectors: 32,
          bytes: 16_384,
          errors: 0,
          inFlight: 0,
          mostInFlight: 4,
          sequential: 3,
          latency: { ...read, buckets: [{ least: 1_966_080, most: 2_031_615, bios: 4 }] },
          sizes: [{ least: 8, most: 15, bios: 4 }],
        },
        write: expect.objectContaining({ bios: 1, errors: 1 }),
        flush: expect.objectContaining({ bios: 1, sectors: 0, sizes: [] }),
        discard: expect.objectContaining({ bios: 0 }),
        'write-zeroes': expect.objectContaining({ bios: 0 }),
      },
      fuaWrites: 1,
      heat: {
        sectors: 1024,
        areaSectors: 128,
        reads: [4, 0, 0, 0, 0, 0, 0, 0],
        writes: [1, 1, 0, 0, 0, 0, 0, 0],
      },
    });
  });

  it.each([[[]], [['help']], [['report', 'now']], [['toString']], [['REPORT']]])(
    'refuses %j and says what there is',
    async (words) => {
      await expect(setup.message(...words)).rejects.toMatchObject({
        code: 'EINVAL',
        message: `filter stats: "${words.join(' ')}" is no message; messages: report, json, heat, clear`,
      });
    },
  );
});
