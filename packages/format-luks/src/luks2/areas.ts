import { fail } from '@interposer/core';
import { stripesBytes } from '../key-area.ts';
import { MOST_OBJECTS } from './fields.ts';
import type { Area } from '../volume.ts';
import { AREA_ALIGNMENT } from './keyslots.ts';
import type { Metadata } from './metadata.ts';

/** The first gap between the areas of key slots that takes a key of a length. ENOSPC if there is none. */
export function findGap({ keyslots, config }: Metadata, headerBytes: number, keyBytes: number): Area {
  const size = areaBytes(keyBytes);
  const areas = [...keyslots.values()].map(({ area }) => area);
  areas.sort((one, other) => one.offset - other.offset);
  const start = 2 * headerBytes;
  const end = start + config.keyslotsBytes;
  let free = start;
  for (const area of [...areas, { offset: end, size: 0 }]) {
    if (area.offset - free >= size) return { offset: free, size };
    free = Math.ceil((area.offset + area.size) / AREA_ALIGNMENT) * AREA_ALIGNMENT;
  }
  throw fail('ENOSPC', `there is no room for ${String(size)} bytes of a key slot beside the others`);
}

/** Bytes of the area of a key slot. */
export function areaBytes(keyBytes: number): number {
  return Math.ceil(stripesBytes(keyBytes) / AREA_ALIGNMENT) * AREA_ALIGNMENT;
}

/** The lowest number that is free. ENOSPC if there is none. */
export function freeNumber(taken: ReadonlyMap<number, unknown>): number {
  for (let number = 0; number < MOST_OBJECTS; number++) if (!taken.has(number)) return number;
  throw fail('ENOSPC', `all ${String(MOST_OBJECTS)} key slots are in use`);
}
