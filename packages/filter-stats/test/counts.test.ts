import { BioFlag, BioOp, Status } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Setup } from './support.ts';

const { Read, Write, Flush, Discard, WriteZeroes } = BioOp;

describe('what the filter stats counts', () => {
  let setup: Setup;

  beforeEach(async () => {
    setup = new Setup();
    await setup.start();
  });

  afterEach(() => setup.stop());

  it('is each bio by its operation, with its sectors', async () => {
    for (let sector = 0; sector < 32; sector += 8) setup.send(Read, sector, 8);
    setup.send(Write, 100, 1);
    setup.send(Write, 200, 3, BioFlag.Fua);
    setup.send(Flush, 0, 0);
    setup.send(Discard, 0, 1000);
    setup.send(WriteZeroes, 512, 256);
    expect(await setup.status()).toBe('4 32 0 0 0 2 4 0 0 0 1 0 0 0 0 1 1000 0 0 0 1 256 0 0 0 1');
    const { operations, fuaWrites } = await setup.report();
    expect(Object.keys(operations)).toEqual(['read', 'write', 'flush', 'discard', 'write-zeroes']);
    expect(operations.read).toMatchObject({ bios: 4, sectors: 32, bytes: 16_384, sequential: 3 });
    expect(operations.write).toMatchObject({ bios: 2, sectors: 4, sequential: 0 });
    expect(fuaWrites).toBe(1);
  });

  it('is sequential only behind the one before of the same operation', async () => {
    setup.send(Read, 0, 8);
    setup.send(Write, 8, 8);
    setup.send(Read, 8, 8);
    setup.send(Flush, 0, 0);
    setup.send(Flush, 0, 0);
    setup.send(Read, 8, 8);
    setup.send(Read, 17, 8);
    setup.send(Read, 25, 1);
    setup.send(Write, 16, 8);
    const { operations } = await setup.report();
    expect(Object.values(operations).map(({ sequential }) => sequential)).toEqual([2, 1, 0, 0, 0]);
  });

  it('is the size of each by powers of two', async () => {
    for (const count of [1, 2, 3, 4, 7, 8, 255, 256, 257]) setup.send(Read, 0, count);
    setup.send(Flush, 0, 0);
    const { operations } = await setup.report();
    expect(operations.read!.sizes).toEqual([
      { least: 1, most: 1, bios: 1 },
      { least: 2, most: 3, bios: 2 },
      { least: 4, most: 7, bios: 2 },
      { least: 8, most: 15, bios: 1 },
      { least: 128, most: 255, bios: 1 },
      { least: 256, most: 511, bios: 2 },
    ]);
    expect(operations.flush!.sizes).toEqual([]);
  });

  it('are errors, which are bios all the same', async () => {
    setup.disk.fail(Status.NoSpc, { op: Write, times: 2 });
    const ended = [0, 8, 16].map((sector) => setup.send(Write, sector, 8));
    expect(ended).toEqual([[Status.NoSpc], [Status.NoSpc], [Status.Ok]]);
    const { operations } = await setup.report();
    expect(operations.write).toMatchObject({ bios: 3, sectors: 24, errors: 2, inFlight: 0, sequential: 2 });
    expect(operations.read).toMatchObject({ bios: 0, errors: 0 });
  });

  it('is what is in flight, now and at most', async () => {
    setup.disk.hold();
    for (let i = 0; i < 200; i++) setup.send(Read, i, 1);
    for (let i = 0; i < 3; i++) setup.send(Write, i, 1);
    for (let i = 0; i < 150; i++) setup.disk.releaseOne();
    const { read, write } = (await setup.report()).operations;
    expect(read).toMatchObject({ bios: 150, inFlight: 50, mostInFlight: 200 });
    expect(write).toMatchObject({ bios: 0, sectors: 0, inFlight: 3, mostInFlight: 3 });
    setup.disk.release('newest');
    expect((await setup.report()).operations.read).toMatchObject({
      bios: 200,
      inFlight: 0,
      mostInFlight: 200,
    });
  });

  it('starts anew when it is cleared, but for what is in flight', async () => {
    setup.send(Read, 0, 8);
    setup.clock.advance(10);
    setup.disk.hold();
    setup.send(Read, 8, 8);
    setup.send(Write, 0, 8, BioFlag.Fua);
    setup.send(Write, 8, 8, BioFlag.Fua);
    setup.disk.releaseOne();
    setup.clock.advance(5);
    expect(await setup.message('clear')).toBe('');
    expect(await setup.status()).toBe('0 0 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0');
    expect(await setup.report()).toMatchObject({
      milliseconds: 0,
      fuaWrites: 0,
      operations: { read: { inFlight: 0, mostInFlight: 0 }, write: { inFlight: 2, mostInFlight: 2 } },
    });
    setup.clock.advance(1);
    setup.disk.release();
    setup.send(Read, 16, 8);
    const { operations, fuaWrites, heat, milliseconds } = await setup.report();
    expect(operations.write).toMatchObject({
      bios: 2,
      sectors: 16,
      sequential: 1,
      inFlight: 0,
      mostInFlight: 2,
    });
    expect(operations.write!.latency).toMatchObject({ sum: 12e6, max: 6e6 });
    expect(operations.read).toMatchObject({ bios: 1, sequential: 1, mostInFlight: 1 });
    expect([fuaWrites, milliseconds, heat.writes[0], heat.reads[1]]).toEqual([2, 1, 2, 1]);
  });
});
