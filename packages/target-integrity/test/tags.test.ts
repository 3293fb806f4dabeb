import { type ChaosOptions } from '@interposer/conformance';
import { BioFlag, BioOp, Random, Status } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { makeStand, type Stand } from './stand.ts';
import { TaggedClient } from './tagged-client.ts';

interface Shape {
  readonly mode: 'D' | 'J';
  readonly tagSize: number;
  readonly block: number;
  readonly options: string;
}

const SECTORS = 1500;

const shapes: Shape[] = (['D', 'J'] as const).flatMap((mode) => [
  { mode, tagSize: 32, block: 512, options: 'interleave_sectors:64 journal_sectors:200 fix_padding' },
  { mode, tagSize: 5, block: 512, options: 'interleave_sectors:256 journal_sectors:180 buffer_sectors:8' },
  { mode, tagSize: 28, block: 4096, options: 'interleave_sectors:128 journal_sectors:300 fix_padding' },
  { mode, tagSize: 255, block: 1024, options: 'interleave_sectors:32 journal_sectors:60 fix_padding' },
]);

async function open(stand: Stand, { mode, tagSize, block, options }: Shape): Promise<TaggedClient> {
  const words = [`block_size:${String(block)}`, ...options.split(' ')];
  const line = (sectors: number): string =>
    `0 ${String(sectors)} integrity chaos:a 0 ${String(tagSize)} ${mode} ${String(words.length)} ${words.join(' ')}`;
  await stand.engine.create('i', { table: line(8) });
  const provided = Number((await stand.engine.status('i'))[0]!.params.split(' ')[1]);
  await stand.engine.load('i', line(provided));
  await stand.engine.resume('i');
  const port = await stand.engine.open('i', { claim: 'noexcl' });
  return new TaggedClient(port, { tagSize, block });
}

describe.each(shapes)('$mode, tags of $tagSize for blocks of $block', (shape) => {
  const chaos: Partial<ChaosOptions>[] = [{}, { delay: 3, seed: 5, limits: { maxSectors: 24 } }];

  it.each(chaos)('keeps each tag with its block: %o', async (options) => {
    const stand = makeStand(SECTORS, [], options);
    const client = await open(stand, shape);
    const random = new Random(11);
    const last = new Array<number>(client.blocks).fill(0);
    const submitted = new Map<number, Set<number>>();
    for (let round = 0; round < 6; round++) {
      submitted.clear();
      const jobs = Array.from({ length: 24 }, async (_, index) => {
        const first = random.below(client.blocks);
        const count = 1 + random.below(Math.min(40, client.blocks - first));
        const number = round * 100 + index + 1;
        const kind = random.below(10);
        if (kind < 5) {
          for (let at = first; at < first + count; at++)
            submitted.set(at, (submitted.get(at) ?? new Set<number>()).add(number));
          await client.write(first, number, count, kind === 0 ? BioFlag.Fua : 0);
        } else if (kind < 9) {
          for (const found of await client.read(first, count)) expect(found).not.toBe(-1);
        } else {
          await client.port.flush();
        }
      });
      await Promise.all(jobs);
      if (round % 3 === 2) {
        await stand.engine.suspend('i');
        await stand.engine.resume('i');
      }
      const found = await client.read(0, client.blocks);
      for (const [at, number] of found.entries()) {
        const allowed = submitted.get(at) ?? new Set([last[at]]);
        expect(allowed.has(number), `block ${String(at)}: ${String(number)}`).toBe(true);
        last[at] = number;
      }
    }
    client.port.close();
  });

  it('has them when it comes again', async () => {
    const stand = makeStand(SECTORS);
    const client = await open(stand, shape);
    const count = client.blocks;
    await client.write(0, 7, count);
    client.port.close();
    await stand.engine.remove('i');
    const again = await open(stand, { ...shape, mode: shape.mode === 'J' ? 'D' : 'J' });
    expect(new Set(await again.read(0, count))).toEqual(new Set([7]));
    again.port.close();
  });

  it('fails what cannot be read or written, and goes on', async () => {
    const stand = makeStand(SECTORS);
    const client = await open(stand, shape);
    await client.write(0, 1, 4);
    await stand.engine.suspend('i');
    await stand.engine.resume('i');
    stand.disk.fail(Status.Io);
    await expect(client.read(0, 4)).rejects.toThrow('read: 5');
    const write = client.write(0, 2, 4, BioFlag.Fua);
    await expect(write).rejects.toThrow('write: 5');
    await expect(client.port.flush()).rejects.toThrow('EIO');
    stand.disk.heal();
    await client.write(0, 3, 4, BioFlag.Fua);
    expect(await client.read(0, 4)).toEqual([3, 3, 3, 3]);
    client.port.close();
  });

  it('refuses tags of another size', async () => {
    const stand = makeStand(SECTORS);
    const client = await open(stand, shape);
    const other = new TaggedClient(client.port, { ...client.shape, tagSize: shape.tagSize - 1 });
    expect(await other.send(BioOp.Write, 0, 1, other.blocksOf(1, 1), 0)).toBe(Status.Inval);
    const short = client.blocksOf(1, 2);
    expect(await client.send(BioOp.Write, 0, 3, { ...short, data: Buffer.alloc(3 * shape.block) }, 0)).toBe(
      Status.Inval,
    );
    client.port.close();
  });
});
