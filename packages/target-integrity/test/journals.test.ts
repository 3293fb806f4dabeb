import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { makeStand, vectors } from './stand.ts';

interface Journals {
  readonly journals: readonly {
    readonly name: string;
    readonly sectors: number;
    readonly integrity: string;
    readonly image: string;
    readonly replayedJ: string;
    readonly replayedD: string;
  }[];
}

const MiB = 2 ** 20;

const { journals } = vectors('journals') as Journals;
const cases = journals.flatMap((one) => [{ ...one, mode: 'J' } as const, { ...one, mode: 'D' } as const]);

describe('a device that was in use becomes what the kernel makes of it', () => {
  it.each(cases)('$name in mode $mode', async ({ sectors, integrity, image, mode, ...sums }) => {
    const { engine, disk } = makeStand(MiB / 512);
    disk.data.set(inflateRawSync(Buffer.from(image, 'base64')));
    const block = /block_size:\d+/.exec(integrity)?.[0];
    const args = integrity.replace('$DISK', 'chaos:a').replace(/ J \d.*$/, ` ${mode} `);
    await engine.create('i', { table: `0 ${String(sectors)} ${args}${block ? `1 ${block}` : '0'}` });
    await engine.remove('i');
    expect(createHash('sha256').update(disk.data).digest('hex')).toBe(sums[`replayed${mode}`]);
  });
});
