import { BioFlag, type Bio, BioOp, Random, SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { makeStand, type Stand } from './stand.ts';
import { TaggedClient } from './tagged-client.ts';

/** What the disk was asked to do: data from a sector on, or a flush. */
type Step = { readonly sector: number; readonly data: Buffer } | 'flush';

const SECTORS = 700;
const TAG = 40;

const shapes = [
  { block: 512, options: 'interleave_sectors:32 journal_sectors:96 fix_padding' },
  { block: 512, options: 'interleave_sectors:32 journal_sectors:24 fix_padding' },
  { block: 4096, options: 'interleave_sectors:64 journal_sectors:230 fix_padding' },
];

function table(block: number, options: string, sectors: number, mode = 'J'): string {
  const words = [`block_size:${String(block)}`, ...options.split(' ')];
  return `0 ${String(sectors)} integrity chaos:a 0 ${String(TAG)} ${mode} ${String(words.length)} ${words.join(' ')}`;
}

function record({ disk }: Stand): Step[] {
  const steps: Step[] = [];
  const submit = disk.submit.bind(disk);
  disk.submit = (bio: Bio) => {
    if (bio.op === BioOp.Flush) steps.push('flush');
    if (bio.op === BioOp.Write) {
      const { sector, bufferOffset: at, count } = bio;
      steps.push({ sector, data: Buffer.from(bio.buffer.subarray(at, at + count * SECTOR_SIZE)) });
    }
    return submit(bio);
  };
  return steps;
}

/** What a power cut behind so many steps leaves: sectors that were not flushed are lost, or not, each for itself. */
function crashState(base: Uint8Array, steps: readonly Step[], random: Random): Uint8Array {
  const stable = base.slice();
  const lastFlush = steps.lastIndexOf('flush');
  for (const [index, step] of steps.entries()) {
    if (step === 'flush') continue;
    for (let at = 0; at < step.data.length; at += SECTOR_SIZE) {
      if (index > lastFlush && random.chance(0.5)) continue;
      stable.set(step.data.subarray(at, at + SECTOR_SIZE), step.sector * SECTOR_SIZE + at);
    }
  }
  return stable;
}

/** What must hold from a step on. */
interface Promised {
  readonly from: number;
  /** Of each block the number of the last write that was stable then. */
  readonly numbers: readonly number[];
}

describe.each(shapes)('power cuts in mode J: $block, $options', ({ block, options }) => {
  it.each([1, 2])('never part a block and its tag, nor take what was flushed (%i)', async (seed) => {
    const random = new Random(seed);
    const stand = makeStand(SECTORS);
    await stand.engine.create('i', { table: table(block, options, 8) });
    const provided = Number((await stand.engine.status('i'))[0]!.params.split(' ')[1]);
    await stand.engine.load('i', table(block, options, provided));
    await stand.engine.resume('i');
    const port = await stand.engine.open('i', { claim: 'noexcl' });
    const client = new TaggedClient(port, { tagSize: TAG, block });
    const base = stand.disk.data.slice();
    const steps = record(stand);
    const written = new Array<number>(client.blocks).fill(0);
    const promises: Promised[] = [{ from: 0, numbers: [...written] }];
    for (let number = 1; number <= 60; number++) {
      const first = random.below(client.blocks);
      const count = 1 + random.below(Math.min(12, client.blocks - first));
      const isFua = random.chance(0.2);
      await client.write(first, number, count, isFua ? BioFlag.Fua : 0);
      written.fill(number, first, first + count);
      if (random.chance(0.2)) await port.flush();
      else if (!isFua) continue;
      promises.push({ from: steps.length, numbers: [...written] });
    }
    port.close();
    await stand.engine.remove('i');
    for (let trial = 0; trial < 40; trial++) {
      const length = random.below(steps.length + 1);
      const image = crashState(base, steps.slice(0, length), random);
      const promised = promises.filter(({ from }) => from <= length).at(-1)!.numbers;
      const found = await contentOf(image, table(block, options, provided, trial % 2 === 0 ? 'J' : 'D'));
      for (const [at, number] of found.entries()) {
        expect(number, `block ${String(at)} behind step ${String(length)}`).toBeGreaterThanOrEqual(
          promised[at]!,
        );
      }
    }
  });

  async function contentOf(image: Uint8Array, line: string): Promise<number[]> {
    const stand = makeStand(SECTORS);
    stand.disk.data.set(image);
    await stand.engine.create('i', { table: line });
    const port = await stand.engine.open('i', { claim: 'noexcl' });
    const client = new TaggedClient(port, { tagSize: TAG, block });
    const found = await client.read(0, client.blocks);
    port.close();
    await stand.engine.remove('i');
    return found;
  }
});
