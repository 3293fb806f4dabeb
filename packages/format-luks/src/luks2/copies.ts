import { randomBytes } from 'node:crypto';
import { asError, fail, isInterposerError } from '@interposer/core';
import { type LuksStorage, readIfPossible } from '../storage.ts';
import {
  BINARY_BYTES,
  type BinaryHeader,
  encodeHeader,
  HEADER_SALT_BYTES,
  HEADER_SIZES,
  MAGIC,
  NO_MAGIC,
  parseBinaryHeader,
  type Role,
  verifyChecksum,
} from './binary-header.ts';
import { type JsonObject, parseJsonArea } from './json-text.ts';
import { type Metadata, parseMetadata } from './metadata.ts';

/** A copy of the header that is right in every respect. */
export interface Copy {
  readonly role: Role;
  readonly binary: BinaryHeader;
  /** As it was read, with what is not known here. */
  readonly json: JsonObject;
  readonly metadata: Metadata;
  /** As in `JsonArea`. */
  readonly lostNumber?: string;
}

/** The copy to work with, and why the other one cannot be. */
export interface Copies {
  readonly current: Copy;
  /** Absent when both are right and of the same change. */
  readonly damage?: string;
  /** Whether the device begins as LUKS does: if not, something else may have been written over it. */
  readonly hasMagic: boolean;
}

/**
 * Reads both copies and takes the one that is right, the later one if both are. EINVAL with what is wrong with each if
 * none is.
 */
export async function readCopies(storage: LuksStorage): Promise<Copies> {
  const first = await attempt(() => readCopy(storage, 'primary', 0));
  const second = await readSecondary(storage, first);
  const hasMagic = await beginsAsLuks(storage);
  if (first.copy === undefined && second.copy === undefined) {
    throw fail(
      'EINVAL',
      `no header of LUKS2 is right: the first has ${first.problem}; the second, ${second.problem}`,
    );
  }
  const current = newest(first.copy, second.copy);
  const end = 2 * current.binary.headerBytes + current.metadata.config.keyslotsBytes;
  if (end > storage.bytes) {
    throw fail(
      'EINVAL',
      `the header and its key slots take ${String(end)} bytes, the device has ${String(storage.bytes)}`,
    );
  }
  const damage = damageOf(first, second);
  return damage === undefined ? { current, hasMagic } : { current, hasMagic, damage };
}

type Attempt =
  | { readonly copy: Copy; readonly problem?: undefined }
  | { readonly copy?: undefined; readonly problem: string };

async function attempt(read: () => Promise<Copy>): Promise<Attempt> {
  try {
    return { copy: await read() };
  } catch (error) {
    // An error of the device counts as a damaged copy, too: the other may be readable.
    if (isInterposerError(error)) return { problem: asError(error).message };
    throw error;
  }
}

async function readCopy(storage: LuksStorage, role: Role, offset: number): Promise<Copy> {
  const binary = parseBinaryHeader(await storage.read(offset, BINARY_BYTES), role, offset);
  const header = await storage.read(offset, binary.headerBytes);
  verifyChecksum(header, binary.checksumHash);
  const area = parseJsonArea(header.subarray(BINARY_BYTES));
  return { role, binary, ...area, metadata: parseMetadata(area.json, binary.headerBytes) };
}

/** Where the first says, or, if that is no help, at each place where one can be. */
async function readSecondary(storage: LuksStorage, first: Attempt): Promise<Attempt> {
  const told = first.copy?.binary.headerBytes;
  if (told !== undefined) return attempt(() => readCopy(storage, 'secondary', told));
  let problem: string = NO_MAGIC;
  for (const offset of HEADER_SIZES) {
    if (offset + BINARY_BYTES > storage.bytes) break;
    const found = await attempt(() => readCopy(storage, 'secondary', offset));
    if (found.copy !== undefined) return found;
    if (problem === NO_MAGIC && found.problem !== NO_MAGIC)
      problem = `at byte ${String(offset)}, ${found.problem}`;
  }
  return { problem };
}

/** What cannot be read could be anything. */
async function beginsAsLuks(storage: LuksStorage): Promise<boolean> {
  const { primary } = MAGIC;
  const start = await readIfPossible(storage, 0, primary.length);
  return !isInterposerError(start) && start.equals(primary);
}

function newest(first: Copy | undefined, second: Copy | undefined): Copy {
  if (first === undefined || second === undefined) return (first ?? second)!;
  return second.binary.sequence > first.binary.sequence ? second : first;
}

function damageOf(first: Attempt, second: Attempt): string | undefined {
  if (first.copy === undefined) return `the first copy of the header has ${first.problem}`;
  if (second.copy === undefined) return `the second copy of the header has ${second.problem}`;
  const [one, other] = [first.copy.binary.sequence, second.copy.binary.sequence];
  if (one === other) return undefined;
  return `the ${one < other ? 'first' : 'second'} copy of the header is older`;
}

/** What becomes of the text fields of the header. */
export interface Change {
  readonly json: JsonObject;
  readonly label?: string;
  readonly subsystem?: string;
}

/**
 * Writes both copies as the next change, the one that is not the current first: at every moment one of them is whole. What
 * is written is checked as if it had been read, before.
 */
export async function writeCopies(storage: LuksStorage, from: Copy, change: Change): Promise<Copy> {
  const { json, ...texts } = change;
  const binary = { ...from.binary, ...texts, sequence: from.binary.sequence + 1n };
  const metadata = parseMetadata(json, binary.headerBytes);
  const roles: readonly Role[] =
    from.role === 'primary' ? ['secondary', 'primary'] : ['primary', 'secondary'];
  const encoded = roles.map((role) => {
    const salted = { ...binary, salt: randomBytes(HEADER_SALT_BYTES) };
    return { role, salted, bytes: encodeHeader(salted, role, JSON.stringify(json)) };
  });
  for (const { role, bytes } of encoded) {
    await storage.write(role === 'primary' ? 0 : binary.headerBytes, bytes);
    await storage.flush();
  }
  return { role: 'primary', binary: encoded.find(({ role }) => role === 'primary')!.salted, json, metadata };
}

const LAST_SEQUENCE = 2n ** 64n - 1n;

/** EBUSY if the header on the storage is not the one that was read; ENOTSUP if it is one that cannot be written again. */
export async function checkUnchanged(storage: LuksStorage, read: Copy): Promise<void> {
  if (read.binary.sequence === LAST_SEQUENCE) {
    throw fail('ENOTSUP', 'the header cannot be changed: it has the last sequence number that there is');
  }
  if (read.lostNumber !== undefined) {
    throw fail(
      'ENOTSUP',
      `the header cannot be changed here: its metadata has the number ${read.lostNumber}, which would be lost`,
    );
  }
  const { current } = await readCopies(storage);
  const isSame =
    current.binary.sequence === read.binary.sequence &&
    JSON.stringify(current.json) === JSON.stringify(read.json);
  if (!isSame) throw fail('EBUSY', 'somebody else changed the header since it was read');
}
