import { Random } from '@interposer/conformance';
import { BioOp, Status } from '@interposer/core';
import { CommandFlag, NbdCommand, NbdError } from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import { pattern, serve, until } from './fixture.ts';

const { Read, Trim, WriteZeroes } = NbdCommand;
const SIZE = 2048 * 512;

describe.each([512, 4096])('with blocks of %i bytes', (logicalBlock) => {
  it('any range is read, written and zeroed as asked, and nothing around it', async () => {
    const client = await (
      await serve({ disk: { limits: { logicalBlock, physicalBlock: logicalBlock } } })
    ).client();
    const model = Buffer.alloc(SIZE);
    const random = new Random(7);
    for (let step = 0; step < 300; step++) {
      const length = 1 + random.below(step % 10 === 0 ? 100_000 : 10_000);
      const offset = random.below(SIZE - length);
      if (step % 3 === 0) {
        expect((await client.request(WriteZeroes, offset, length)).error).toBe(0);
        model.fill(0, offset, offset + length);
      } else {
        const data = pattern(length, step);
        expect((await client.write(offset, data)).error).toBe(0);
        data.copy(model, offset);
      }
      const from = Math.max(0, offset - 700);
      const to = Math.min(SIZE, offset + length + 700);
      expect((await client.readAt(from, to - from)).equals(model.subarray(from, to))).toBe(true);
    }
    expect((await client.readAt(0, SIZE)).equals(model)).toBe(true);
  });

  it('trim is rounded inwards', async () => {
    const fixture = await serve({ disk: { limits: { logicalBlock, physicalBlock: logicalBlock } } });
    const client = await fixture.client();
    const data = pattern(8 * logicalBlock);
    await client.write(0, data);
    expect((await client.request(Trim, logicalBlock - 1, logicalBlock, CommandFlag.Fua)).error).toBe(0);
    expect(fixture.disk!.arrived[BioOp.Discard]).toBe(0);
    expect(fixture.disk!.arrived[BioOp.Flush]).toBe(1);
    expect((await client.request(Trim, logicalBlock - 1, 3 * logicalBlock)).error).toBe(0);
    expect(fixture.disk!.arrived[BioOp.Discard]).toBe(1);
    const kept = [
      [0, logicalBlock],
      [3 * logicalBlock, 5 * logicalBlock],
    ] as const;
    for (const [start, length] of kept) {
      expect((await client.readAt(start, length)).equals(data.subarray(start, start + length))).toBe(true);
    }
  });
});

describe('one after another', () => {
  it('parts of one block written at once from several connections are all kept', async () => {
    const fixture = await serve({ disk: { delay: 3, seed: 5 } });
    const clients = await Promise.all([fixture.client(), fixture.client(), fixture.client()]);
    const model = pattern(4096, 9);
    const writes = Array.from({ length: 64 }, (_, i) =>
      clients[i % 3]!.write(i * 64, model.subarray(i * 64, i * 64 + 64)),
    );
    expect((await Promise.all(writes)).every(({ error }) => error === 0)).toBe(true);
    expect((await clients[0].readAt(0, 4096)).equals(model)).toBe(true);
  });

  it('an unaligned write waits for the aligned one under way that it overlaps', async () => {
    const fixture = await serve();
    const { disk } = fixture;
    const [one, other] = await Promise.all([fixture.client(), fixture.client()]);
    disk!.hold();
    const aligned = one.write(0, pattern(4096, 1));
    await until(() => disk!.held.length === 1);
    const unaligned = other.write(100, pattern(50, 2));
    const elsewhere = other.write(8192 + 100, pattern(50, 3));
    // The read of the one that overlaps nothing arrives; that of the other must not.
    await until(() => disk!.held.length === 2);
    expect(disk!.held.map(({ sector }) => sector)).toEqual([0, 16]);
    disk!.release();
    expect(await Promise.all([aligned, unaligned, elsewhere])).toMatchObject([
      { error: 0 },
      { error: 0 },
      { error: 0 },
    ]);
    const expected = pattern(4096, 1);
    pattern(50, 2).copy(expected, 100);
    expect((await one.readAt(0, 4096)).equals(expected)).toBe(true);
  });

  it.each([
    ['write', NbdCommand.Write],
    ['zeroes', WriteZeroes],
    ['trim', Trim],
  ])('an aligned %s waits for the unaligned write under way that it overlaps', async (_, command) => {
    const fixture = await serve();
    const { disk } = fixture;
    const [one, other] = await Promise.all([fixture.client(), fixture.client()]);
    await one.write(0, pattern(8192, 1));
    disk!.hold();
    const unaligned = one.write(100, pattern(50, 2));
    await until(() => disk!.held.length === 1);
    const aligned = other.request(
      command,
      0,
      4096,
      0,
      command === NbdCommand.Write ? pattern(4096, 3) : undefined,
    );
    const read = other.request(Read, 4096, 512);
    await until(() => disk!.held.length === 2);
    expect(disk!.held.map(({ op }) => op)).toEqual([BioOp.Read, BioOp.Read]);
    disk!.release();
    expect(await Promise.all([unaligned, aligned, read])).toMatchObject([
      { error: 0 },
      { error: 0 },
      { error: 0 },
    ]);
    const left = await one.readAt(0, 4096);
    if (command === NbdCommand.Write) expect(left.equals(pattern(4096, 3))).toBe(true);
    if (command === WriteZeroes) expect(left.equals(Buffer.alloc(4096))).toBe(true);
  });

  it('a failed one lets the next go on', async () => {
    const fixture = await serve();
    const client = await fixture.client();
    fixture.disk!.fail(Status.Io, { op: BioOp.Read, times: 1 });
    const [first, second] = await Promise.all([client.write(1, pattern(5)), client.write(7, pattern(5))]);
    expect(first.error).toBe(NbdError.Io);
    expect(second.error).toBe(0);
  });

  it('a client that vanishes in the middle leaves the range free', async () => {
    const fixture = await serve();
    const { disk } = fixture;
    const [one, other] = await Promise.all([fixture.client(), fixture.client()]);
    disk!.hold();
    void one.write(1, pattern(5));
    await until(() => disk!.held.length === 1);
    one.close();
    const second = other.write(7, pattern(5));
    disk!.release();
    expect((await second).error).toBe(0);
  });
});
