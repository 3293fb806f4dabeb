import { fail } from '@interposer/core';
import { BINARY_BYTES } from './binary-header.ts';
import { Fields } from './fields.ts';
import type { JsonObject } from './json-text.ts';
import { AREA_ALIGNMENT, type Keyslot, parseKeyslot } from './keyslots.ts';
import { isRegular, type KeyDigest, parseDigest, parseSegment, type Segment } from './segments.ts';

/** A token: where a passphrase can be had. */
export interface Token {
  readonly type: string;
  readonly keyslots: readonly number[];
}

/** What the JSON of a header says, checked. */
export interface Metadata {
  readonly keyslots: ReadonlyMap<number, Keyslot>;
  readonly tokens: ReadonlyMap<number, Token>;
  readonly segments: ReadonlyMap<number, Segment>;
  readonly digests: ReadonlyMap<number, KeyDigest>;
  readonly config: {
    /** Bytes of all areas of key slots together. */
    readonly keyslotsBytes: number;
    readonly flags: readonly string[];
    /** What a program has to know for it to open or change the volume. */
    readonly requirements: readonly string[];
  };
}

/** The areas of the key slots cannot be larger together. */
const MOST_KEYSLOTS_BYTES = 2 ** 27;

/**
 * Checks the JSON of a header of so many bytes, in all that the specification asks and cryptsetup checks: members and
 * their types, numbers that are too large, references to what is not there, areas that overlap. EINVAL says where.
 */
export function parseMetadata(json: JsonObject, headerBytes: number): Metadata {
  const top = new Fields(json, '');
  const keyslots = mapValues(top.object('keyslots').numbered(), parseKeyslot);
  const segmentFields = top.object('segments').numbered();
  const keyslotNumbers = new Set(keyslots.keys());
  const segmentNumbers = new Set(segmentFields.keys());
  const tokens = mapValues(top.object('tokens').numbered(), (token) => ({
    type: token.word('type'),
    keyslots: token.references('keyslots', keyslotNumbers),
  }));
  const digests = mapValues(top.object('digests').numbered(), (digest) =>
    parseDigest(digest, keyslotNumbers, segmentNumbers),
  );
  const segments = mapValues(segmentFields, parseSegment);
  const config = parseConfig(top.object('config'), headerBytes);
  const metadata = { keyslots, tokens, segments, digests, config };
  checkBonds(metadata);
  checkSegments(metadata, headerBytes);
  checkAreas(metadata, headerBytes);
  return metadata;
}

function mapValues<T>(map: ReadonlyMap<number, Fields>, parse: (fields: Fields) => T): Map<number, T> {
  return new Map([...map].map(([number, fields]) => [number, parse(fields)]));
}

function parseConfig(config: Fields, headerBytes: number): Metadata['config'] {
  if (config.bytes('json_size') !== headerBytes - BINARY_BYTES) {
    throw config.wrong('json_size', 'is not what the binary header says');
  }
  const keyslotsBytes = config.bytes('keyslots_size');
  if (keyslotsBytes > MOST_KEYSLOTS_BYTES || keyslotsBytes % AREA_ALIGNMENT !== 0) {
    throw config.wrong('keyslots_size', 'is no multiple of 4096 up to 128 MiB');
  }
  const requirements = config.has('requirements') ? config.object('requirements') : undefined;
  return {
    keyslotsBytes,
    flags: config.has('flags') ? config.strings('flags') : [],
    requirements: requirements?.has('mandatory') === true ? requirements.strings('mandatory') : [],
  };
}

/** Each passphrase slot belongs to one digest, each encrypted segment to one at least. */
function checkBonds({ keyslots, segments, digests }: Metadata): void {
  const all = [...digests.values()];
  for (const [number, { passphrase }] of keyslots) {
    const count = all.filter((digest) => digest.keyslots.includes(number)).length;
    if (count > 1 || (count === 0 && passphrase !== undefined)) {
      throw wrong(`keyslots.${String(number)} belongs to ${String(count)} digests instead of one`);
    }
  }
  for (const [number, { crypt }] of segments) {
    if (crypt !== undefined && !all.some((digest) => digest.segments.includes(number))) {
      throw wrong(`segments.${String(number)} belongs to no digest`);
    }
  }
}

function checkSegments({ segments, config }: Metadata, headerBytes: number): void {
  const numbers = [...segments.keys()].sort((one, other) => one - other);
  if (numbers.length === 0) throw wrong('segments is empty');
  if (numbers.some((number, at) => number !== at)) throw wrong('segments has a gap in its numbers');
  const regular = numbers.map((number) => segments.get(number)!).filter(isRegular);
  if (!isRegular(segments.get(0)!)) throw wrong('segments has none that is in use');
  if (numbers.some((at) => isRegular(segments.get(at)!) !== at < regular.length)) {
    throw wrong('segments has one that is in use behind a backup');
  }
  regular.forEach((segment, at) => {
    if (segment.size === undefined && at < regular.length - 1) {
      throw wrong(`segments.${String(at)} has no size though it is not the last`);
    }
    if (regular.some((other, index) => index !== at && overlaps(segment, other))) {
      throw wrong(`segments.${String(at)} overlaps another`);
    }
  });
  // With a detached header they can begin at 0.
  const first = regular.reduce((least, { offset }) => (offset < least ? offset : least), regular[0]!.offset);
  if (first !== 0n && first < BigInt(2 * headerBytes + config.keyslotsBytes)) {
    throw wrong('config.keyslots_size reaches into the first segment');
  }
}

function overlaps(one: Segment, other: Segment): boolean {
  return one.offset >= other.offset && (other.size === undefined || one.offset < other.offset + other.size);
}

function checkAreas({ keyslots, config }: Metadata, headerBytes: number): void {
  const start = 2 * headerBytes;
  const end = start + config.keyslotsBytes;
  const areas = [...keyslots].map(([number, { area }]) => ({ number, ...area }));
  areas.sort((one, other) => one.offset - other.offset);
  let free = start;
  for (const { number, offset, size } of areas) {
    const where = `keyslots.${String(number)}.area`;
    if (size === 0) throw wrong(`${where} has no size`);
    if (offset < free) throw wrong(`${where} overlaps another area or a header`);
    if (offset + size > end) throw wrong(`${where} is not inside config.keyslots_size`);
    free = offset + size;
  }
}

function wrong(problem: string): Error {
  return fail('EINVAL', `in its metadata ${problem}`);
}
