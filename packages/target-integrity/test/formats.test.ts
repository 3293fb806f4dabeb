import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { errorOf, makeStand, vectors } from './stand.ts';

interface Formats {
  readonly cases: readonly {
    readonly sectors: number;
    readonly args: string;
    readonly table: string;
    readonly provided: number;
    readonly superblock: string;
    readonly journal: string;
  }[];
  readonly errors: readonly { readonly sectors: number; readonly args: string; readonly error: string }[];
}

const { cases, errors } = vectors('formats') as Formats;

/** As it was recorded: the first two sectors of the journal, in hexadecimal, without zeroes at the end, cut to 1200 digits. */
function journalDigest(journal: Uint8Array): string {
  const digits = Buffer.from(journal).toString('hex').replace(/0+$/, '').slice(0, 1200);
  return createHash('sha256').update(digits).digest('hex').slice(0, 16);
}

/** The kernel takes what destroys data: pages of tags that are larger than the areas. */
const DESTROYS = /^0 32 D 1 interleave_sectors:(8|16|100|3)$/;

it.each(cases.filter(({ args }) => DESTROYS.test(args)))('$args is refused', async ({ sectors, args }) => {
  const { engine, disk } = makeStand(sectors);
  const { code, message } = await errorOf(engine.create('i', { table: `0 8 integrity chaos:a ${args}` }));
  expect([code, message]).toEqual(['EINVAL', expect.stringContaining('tags would overwrite data')]);
  expect(disk.data.every((byte) => byte === 0)).toBe(true);
});

describe('a blank device becomes what the kernel makes of it', () => {
  it.each(cases.filter(({ args }) => !DESTROYS.test(args)))(
    '$sectors: $args',
    async ({ sectors, args, table, provided, superblock, journal }) => {
      const { engine, disk } = makeStand(sectors);
      await engine.create('i', { table: `0 8 integrity chaos:a ${args}` });
      const [row] = await engine.table('i');
      expect(row!.params.split(' ').slice(1).join(' ')).toBe(table);
      expect((await engine.status('i'))[0]!.params).toBe(`0 ${String(provided)} -`);
      const at = Number(args.split(' ')[0]) * 512;
      expect(Buffer.from(disk.data.subarray(at, at + 32)).toString('hex')).toBe(superblock);
      expect(journalDigest(disk.data.subarray(at + 4096, at + 5120))).toBe(journal);
    },
  );
});

/** What the kernel has, and this package has not. */
const MISSING = /internal_hash|journal_crypt|meta_device|recalculate|allow_discards\b|\b[BI] 0$/;

describe('what the kernel refuses is refused with its words', () => {
  it.each(errors)('$sectors: $args', async ({ sectors, args, error }) => {
    const { engine } = makeStand(sectors);
    const { code, message } = await errorOf(engine.create('i', { table: `0 8 integrity chaos:a ${args}` }));
    if (MISSING.test(args)) expect(code).toBe('ENOTSUP');
    else expect(message).toContain(error);
  });
});
