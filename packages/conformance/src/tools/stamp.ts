import { Random, SECTOR_SIZE } from '@interposer/core';

/*
 * A stamped sector: magic, checksum of the next four words, sequence number and sector number in 32-bit words of the
 * machine's order, then noise that depends on both. So a sector tells which write put it there and where it belongs.
 */
const MAGIC = 0x17e4905e;
const WORDS = SECTOR_SIZE / 4;
const HEADER_WORDS = 5;
const UINT32 = 2 ** 32;

const noise: Uint32Array = makeNoise();
const scratch = new Uint32Array(WORDS);
const scratchBytes = new Uint8Array(scratch.buffer);
const found = new Uint32Array(WORDS);
const foundBytes = new Uint8Array(found.buffer);

/** Writes the stamp of a sector, as the given write would, into 512 bytes of a buffer. Sequence numbers begin at 1. */
export function stampSector(buffer: Uint8Array, offset: number, sector: number, sequence: number): void {
  generate(sector, sequence);
  buffer.set(scratchBytes, offset);
}

/**
 * Compares 512 bytes of a buffer with the stamp that is due there. Undefined: they agree. Else the difference in words:
 * zeroes, a stamp of another sector (wrong place), of another write (wrong time), or corruption.
 */
export function checkSector(
  buffer: Uint8Array,
  offset: number,
  sector: number,
  sequence: number,
): string | undefined {
  generate(sector, sequence);
  foundBytes.set(buffer.subarray(offset, offset + SECTOR_SIZE));
  if (equalWords(scratch, found)) return undefined;
  return `sector ${String(sector)} should hold write ${String(sequence)} but ${describe(sector, sequence)}`;
}

/** Whether 512 bytes of a buffer are zero; the answer is as that of `checkSector`. */
export function checkZeroes(buffer: Uint8Array, offset: number, sector: number): string | undefined {
  foundBytes.set(buffer.subarray(offset, offset + SECTOR_SIZE));
  if (found.every((word) => word === 0)) return undefined;
  return `sector ${String(sector)} should be zeroes but ${describe(sector, 0)}`;
}

/** What the sector in `found` is. */
function describe(sector: number, sequence: number): string {
  if (found.every((word) => word === 0)) return 'is zeroes';
  if (found[0] !== MAGIC) return 'holds no stamp (corruption)';
  const foundSequence = found[2]!;
  const foundSector = found[3]! + found[4]! * UINT32;
  generate(foundSector, foundSequence);
  if (!equalWords(scratch, found)) return 'holds a damaged stamp (corruption)';
  if (foundSector !== sector) return `holds sector ${String(foundSector)} (wrong place)`;
  const when = foundSequence < sequence ? 'an earlier' : 'a later';
  return `holds ${when} write ${String(foundSequence)} (wrong time)`;
}

function generate(sector: number, sequence: number): void {
  const low = sector % UINT32;
  const high = Math.floor(sector / UINT32);
  const salt = Math.imul(low + 1, 0x9e3779b1) ^ Math.imul(sequence, 0x85ebca6b) ^ high;
  scratch[0] = MAGIC;
  scratch[1] = Math.imul(salt ^ (salt >>> 15), 0x2c1b3c6d);
  scratch[2] = sequence;
  scratch[3] = low;
  scratch[4] = high;
  for (let word = HEADER_WORDS; word < WORDS; word++) scratch[word] = noise[word]! ^ salt;
}

function equalWords(a: Uint32Array, b: Uint32Array): boolean {
  for (let word = 0; word < WORDS; word++) if (a[word] !== b[word]) return false;
  return true;
}

function makeNoise(): Uint32Array {
  const random = new Random(1);
  return Uint32Array.from({ length: WORDS }, () => random.next() * UINT32);
}
