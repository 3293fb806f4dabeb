import { Random } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import type { Epoch } from '../src/history.ts';
import { LogWrite } from '../src/log-write.ts';
import { type Piece, type Selection, whole } from '../src/selection.ts';
import { shrink } from '../src/shrink.ts';
import type { Tear } from '../src/tears.ts';

const HALF: Tear = [[0, 1]];

/** An epoch of so many writes with FUA, with a mark before each, and of so many others. */
function epochOf(fua: number, loose: number): Epoch {
  const write = (entry: number, kind: 'fua' | 'write') =>
    new LogWrite({ entry, sector: entry * 2, count: 2, kind }, new Uint8Array(1024));
  const its = {
    fua: Array.from({ length: fua }, (_, index) => write(index, 'fua')),
    loose: Array.from({ length: loose }, (_, index) => write(fua + index, 'write')),
  };
  return {
    ...its,
    number: 0,
    writes: [...its.fua, ...its.loose],
    promisedBefore: its.fua.map((_, index) => index + 1),
    promised: fua,
    flushed: true,
    entries: undefined,
  };
}

/** What is left of a failing selection, in short; `~` is torn. Whatever it tries has to be a selection of the epoch. */
async function shrunk(epoch: Epoch, failing: Selection, fails: (kept: string) => boolean): Promise<string> {
  expect(fails(inShort(failing))).toBe(true);
  const left = await shrink(epoch, failing, async (selections) => {
    const index = selections.findIndex((one) => fails(inShort(one)));
    return index < 0 ? undefined : { item: selections[index]!, index, message: '' };
  });
  const kept = left.pieces.filter(({ write }) => write.kind === 'fua').length;
  const torn = left.pieces.some(({ write, tear }) => write.kind === 'fua' && tear !== null);
  expect(left.promised).toBe(Math.min(epoch.fua.length, kept + (torn ? 0 : 1)));
  return inShort(left);
}

function inShort({ pieces }: Selection): string {
  return pieces.map(({ write, tear }) => `${String(write.entry)}${tear === null ? '' : '~'}`).join(' ');
}

describe('shrinking', () => {
  const epoch = epochOf(0, 4);
  const [a, b, c, d] = epoch.loose as [LogWrite, LogWrite, LogWrite, LogWrite];
  const all: Selection = {
    pieces: [whole(a), { write: b, tear: HALF }, whole(c), { write: d, tear: HALF }],
    promised: 0,
  };

  it.each<[string, (kept: string) => boolean, string]>([
    ['nothing where nothing fails', () => true, ''],
    ['a write that was torn whole, if it fails so', (kept) => kept.includes('1'), '1'],
    ['a tear that is needed', (kept) => kept.includes('1~') && kept.includes('2'), '1~ 2'],
    ['all that is needed', (kept) => kept === '0 1~ 2 3~' || kept === '0 1~ 2 3', '0 1~ 2 3'],
    [
      'less, where a whole write makes another one needless',
      (kept) => kept === '0 1~ 2 3~' || kept === '0 1~ 2 3' || kept === '2 3',
      '2 3',
    ],
  ])('leaves %s', async (_, fails, left) => {
    expect(await shrunk(epoch, all, fails)).toBe(left);
  });

  it.each<[string, (kept: string) => boolean, string]>([
    ['the part that is needed', (kept) => kept === '0 1 2~', '0 1 2~'],
    ['all of it, if it fails so', (kept) => kept.includes('2'), '0 1 2'],
    ['those before, if that is enough', (kept) => kept.includes('1'), '0 1'],
    ['nothing', () => true, ''],
  ])('leaves of writes with FUA %s', async (_, fails, left) => {
    const chain = epochOf(4, 1);
    const pieces: Piece[] = [...chain.fua.slice(0, 2).map(whole), { write: chain.fua[2]!, tear: HALF }];
    expect(await shrunk(chain, { pieces, promised: 3 }, fails)).toBe(left);
  });

  it('leaves nothing that could be left out: random failures', async () => {
    const random = new Random(3);
    const large = epochOf(0, 24);
    for (let round = 0; round < 200; round++) {
      // Any of some sets of writes is enough, if none of some others is there.
      const causes = Array.from({ length: random.between(1, 3) }, () =>
        Array.from({ length: random.between(1, 5) }, () => String(random.below(24))),
      );
      const cure = random.chance(0.3) ? String(random.below(24)) : undefined;
      const fails = (kept: string): boolean => {
        const words = kept.split(' ');
        const caused = causes.some((cause) => cause.every((one) => words.includes(one)));
        return caused && (cure === undefined || !words.includes(cure));
      };
      const pieces = large.loose.filter(({ entry }) => String(entry) !== cure).map(whole);
      if (!fails(inShort({ pieces, promised: 0 }))) continue;
      const left = (await shrunk(large, { pieces, promised: 0 }, fails)).split(' ');
      expect(fails(left.join(' '))).toBe(true);
      for (const one of left) expect(fails(left.filter((other) => other !== one).join(' '))).toBe(false);
    }
  });
});
