import { Random } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import {
  countRepairable,
  encodeFec,
  type FecPlaces,
  layOutFec,
  readCovered,
  readParity,
  ReedSolomon,
  RoundSyndromes,
} from '../src/index.ts';
import { formatted, noise, paramsOf } from './image.ts';
import { MemoryStore } from './memory-store.ts';

/** A word with its parity. */
function wordOf(code: ReedSolomon, seed: number): Buffer {
  const message = noise(seed, code.message);
  const parity = new Uint8Array(code.roots);
  for (const byte of message) code.encodeColumn(Uint8Array.of(byte), parity);
  return Buffer.concat([message, parity]);
}

function syndromesOf(code: ReedSolomon, word: Uint8Array): Uint8Array {
  const syndromes = new Uint8Array(code.roots);
  for (const byte of word) code.syndromeColumn(Uint8Array.of(byte), syndromes);
  return syndromes;
}

describe('ReedSolomon', () => {
  it.each(Array.from({ length: 23 }, (_, index) => index + 2))(
    '%i roots: 2 * errors + erasures <= roots',
    (roots) => {
      const code = new ReedSolomon(roots);
      const random = new Random(roots);
      for (let erased = 0; erased <= roots; erased++) {
        const word = wordOf(code, roots * 100 + erased);
        const damaged = Buffer.from(word);
        const places = new Set<number>();
        while (places.size < erased + Math.floor((roots - erased) / 2)) places.add(random.below(255));
        for (const place of places) damaged[place]! ^= 1 + random.below(255);
        const corrections = code.correct(syndromesOf(code, damaged), 0, [...places].slice(0, erased));
        for (const { place, value } of corrections!) damaged[place]! ^= value;
        expect(damaged.equals(word)).toBe(true);
      }
    },
  );

  it('finds nothing in a good word', () => {
    const code = new ReedSolomon(6);
    expect(code.correct(syndromesOf(code, wordOf(code, 1)), 0, [3, 4])).toEqual([]);
  });

  it('gives up, or makes another good word, where there is too much', () => {
    const code = new ReedSolomon(6);
    const random = new Random(5);
    let given = 0;
    for (let round = 0; round < 60; round++) {
      const word = wordOf(code, round);
      for (let at = 0; at < 5; at++) word[at * 40 + random.below(40)]! ^= 1 + random.below(255);
      const corrections = code.correct(syndromesOf(code, word), 0, []);
      if (corrections === null) given++;
      for (const { place, value } of corrections ?? []) word[place]! ^= value;
      if (corrections !== null) expect(syndromesOf(code, word).every((byte) => byte === 0)).toBe(true);
    }
    expect(given).toBeGreaterThan(40);
    expect(code.correct(Uint8Array.of(1, 0, 0, 0, 0, 0), 0, [1, 2, 3, 4, 5, 6, 7])).toBeNull();
  });
});

/** An image with parity over 250 blocks and more: two rounds. */
async function protectedImage(
  roots: number,
): Promise<FecPlaces & { data: MemoryStore; hash: MemoryStore; fec: MemoryStore }> {
  const image = await formatted(paramsOf({ dataBlocks: 300 }));
  const layout = layOutFec(image.params, roots, 300 + image.hash.bytes.length / 512 - image.hashStart);
  const places = {
    ...image,
    layout,
    fec: new MemoryStore(4096 + layout.parityBlocks * 512),
    fecOffset: 4096,
  };
  await encodeFec(places);
  return places;
}

describe('parity of an image', () => {
  it('puts a block of data and one of the tree right', async () => {
    const places = await protectedImage(4);
    const { layout } = places;
    expect(layout.rounds).toBe(2);
    for (const [store, at, block] of [
      [places.data, 7 * 512, 7],
      [places.hash, (places.hashStart + 3) * 512, 303],
    ] as const) {
      const good = Buffer.from(store.bytes.subarray(at, at + 512));
      store.bytes.set(noise(77, 512), at);
      expect(await countRepairable(places)).toBeGreaterThan(500);
      const damaged = await readCovered(places, block, 1);
      const syndromes = new RoundSyndromes(new ReedSolomon(layout.roots), 512);
      for (let column = 0; column < layout.columns; column++) {
        syndromes.column(await readCovered(places, (block % layout.rounds) + column * layout.rounds, 1));
      }
      syndromes.parity(await readParity(places, block % layout.rounds));
      const repaired = Buffer.from(damaged);
      expect(syndromes.repair(repaired, Math.floor(block / layout.rounds), [])).toBeGreaterThan(500);
      expect(repaired.equals(good)).toBe(true);
      store.bytes.set(good, at);
      expect(await countRepairable(places)).toBe(0);
    }
  });

  it('cannot where too many blocks of a round are bad', async () => {
    const places = await protectedImage(4);
    for (const block of [0, 2, 4]) places.data.bytes.set(noise(block + 50, 512), block * 512);
    expect(await countRepairable(places)).toBeUndefined();
  });

  it('has bounds', () => {
    const params = paramsOf();
    for (const roots of [1, 25, 2.5]) expect(() => layOutFec(params, roots, 50)).toThrow('not in 2..24');
    expect(() => layOutFec(params, 2, 39)).toThrow('fewer than there are of data');
    expect(() => layOutFec(paramsOf({ dataBlockSize: 1024 }), 2, 50)).toThrow(
      'Block sizes must match to use FEC',
    );
  });
});
