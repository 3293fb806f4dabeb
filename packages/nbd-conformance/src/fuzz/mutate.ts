import type { Random } from './random.ts';

const EXTREMES = [
  0,
  1,
  0x7fffffff,
  0x80000000,
  0xffffffff,
  0xfffffff0,
  2 ** 25,
  2 ** 25 + 1,
  28,
  32,
] as const;

/** Bytes after one to four changes; the same for the same random numbers. */
export function mutate(random: Random, parts: readonly Buffer[], other: readonly Buffer[]): Buffer {
  let bytes: Buffer = Buffer.concat(shuffle(random, parts, other));
  for (let count = 1 + random.below(4); count > 0; count--) bytes = random.pick(CHANGES)(random, bytes);
  return bytes;
}

/** Messages left out, doubled, swapped, or taken from another conversation. */
function shuffle(random: Random, parts: readonly Buffer[], other: readonly Buffer[]): Buffer[] {
  const mixed = [...parts];
  const at = random.below(mixed.length);
  switch (random.below(6)) {
    case 0:
      mixed.splice(at, 1);
      break;
    case 1:
      mixed.splice(at, 0, mixed[at]!);
      break;
    case 2:
      mixed.splice(at, 0, random.pick(other));
      break;
    case 3:
      mixed.push(...other.slice(random.below(other.length)));
      break;
    default:
  }
  return mixed;
}

type Change = (random: Random, bytes: Buffer) => Buffer;

const flip: Change = (random, bytes) => {
  if (bytes.length === 0) return bytes;
  const changed = Buffer.from(bytes);
  const at = random.below(bytes.length);
  changed[at] = changed[at]! ^ (1 << random.below(8));
  return changed;
};

const truncate: Change = (random, bytes) => bytes.subarray(0, random.below(bytes.length + 1));

const extreme: Change = (random, bytes) => {
  if (bytes.length < 4) return bytes;
  const changed = Buffer.from(bytes);
  const at = random.below(bytes.length - 3) & ~random.pick([0, 1, 3]);
  changed.writeUInt32BE(random.pick(EXTREMES), at);
  return changed;
};

const remove: Change = (random, bytes) => {
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(16))]);
};

const repeat: Change = (random, bytes) => {
  const at = random.below(bytes.length + 1);
  const part = bytes.subarray(at, at + 1 + random.below(64));
  return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
};

const insert: Change = (random, bytes) => {
  const at = random.below(bytes.length + 1);
  const noise = Buffer.from(Array.from({ length: 1 + random.below(16) }, () => random.below(256)));
  return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
};

const CHANGES: readonly Change[] = [flip, flip, flip, extreme, extreme, truncate, remove, repeat, insert];

/** Bytes in random pieces, in order. */
export function segments(random: Random, bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (let count = random.below(5); count > 0 && at < bytes.length; count--) {
    const end = at + 1 + random.below(bytes.length - at);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  if (at < bytes.length) pieces.push(bytes.subarray(at));
  return pieces;
}
