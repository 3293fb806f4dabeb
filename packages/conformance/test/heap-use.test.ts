import {
  ALL_OPS,
  type Bio,
  BioOp,
  defineFilter,
  EndResult,
  type FilterType,
  PreResult,
} from '@interposer/core';
import { expect, it } from 'vitest';
import { heapUse } from '../src/index.ts';

/** A filter that does something with each bio on its way down. */
function filterThat(look: (bio: Bio) => void): FilterType {
  return defineFilter({
    name: 'looking',
    version: [1, 0, 0],
    altitude: '1',
    ops: ALL_OPS,
    params: [{ name: 'words', kind: 'rest', about: 'anything' }],
    attach: (_context, { words }) => ({
      pre(bio) {
        look(bio);
        return PreResult.Watch;
      },
      post: () => EndResult.Done,
      table: () => '',
      status: () => words.join(' '),
    }),
  });
}

const leftovers: object[] = [];

it('a filter that allocates nothing, and what there is to know of it', async () => {
  const seen = new Set<number>();
  const looking = filterThat((bio) => {
    seen.add(bio.op);
  });
  const { allocated, kept, status } = await heapUse(looking, { args: 'some words', op: BioOp.Discard });
  expect(allocated).toBeLessThan(1);
  expect(kept).toBeLessThan(1);
  expect(status).toBe('some words');
  expect([...seen]).toEqual([BioOp.Discard]);
});

it('a filter that makes an object for each bio', async () => {
  const { allocated, kept } = await heapUse(
    filterThat((bio) => {
      leftovers[0] = { bio };
    }),
  );
  expect(allocated).toBeGreaterThan(10);
  expect(kept).toBeLessThan(1);
});

it('a filter that keeps an object for each bio', async () => {
  const { kept } = await heapUse(
    filterThat((bio) => {
      leftovers.push({ bio });
    }),
    { parts: 2 },
  );
  leftovers.length = 0;
  expect(kept).toBeGreaterThan(10);
});
