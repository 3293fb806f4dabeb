import { type Control, type DeviceRef, fail, SECTOR_SIZE } from '@interposer/core';
import { numberOf } from './inventory.ts';

/*
 * The first chunk of a store is its header: u32 magic, valid, version, chunk size in sectors, and zeroes, which neither the
 * kernel nor the target looks at. There stands for the time of a merge that the device is whole only together with its store.
 */

/** `SnAp`. */
const MAGIC = 0x70416e53;

const MARK = Buffer.from('MERGE INTO ORIGIN');
const MARK_AT = SECTOR_SIZE - 32;

/** A header is looked at in a page, or in a chunk where that is less: any disk has blocks of no more. */
const PAGE_SECTORS = 8;

/** Sectors of 1 MiB. */
const PIECE = 2048;

/** Sectors that are read of what is not a hole, before a disk passes for one of zeroes: 1 GiB. */
const ENOUGH = 2 ** 21;

/** A store that is open. */
export interface Store {
  readonly ref: DeviceRef;
  readonly sectors: number;
}

/** What a header says. */
export interface Header {
  readonly valid: boolean;
  readonly chunk: number;
  /** A merge was begun, and is not over. */
  readonly merges: boolean;
}

/** The header of a store; undefined for a disk that begins with something else. */
export async function readHeader(control: Control, { ref, sectors }: Store): Promise<Header | undefined> {
  const bytes = Buffer.from(await control.read(numberOf(ref), 0, Math.min(PAGE_SECTORS, sectors)));
  if (bytes.readUInt32LE(0) !== MAGIC) return undefined;
  return {
    valid: bytes.readUInt32LE(4) !== 0,
    chunk: bytes.readUInt32LE(12),
    merges: bytes.subarray(MARK_AT, MARK_AT + MARK.length).equals(MARK),
  };
}

/**
 * Notes in the header of a store that its merge is begun, or that it is over: stable when it resolves. Whoever calls sees to
 * it that nobody else writes to the header.
 */
export async function markMerge(control: Control, store: Store, merges: boolean): Promise<void> {
  const header = await readHeader(control, store);
  if (header?.valid !== true) throw fail('EIO', `the store ${store.ref.name} is not valid any more`);
  const count = Math.min(PAGE_SECTORS, header.chunk);
  const bytes = Buffer.from(await control.read(numberOf(store.ref), 0, count));
  bytes.fill(0, MARK_AT, SECTOR_SIZE);
  if (merges) MARK.copy(bytes, MARK_AT);
  await control.write(numberOf(store.ref), 0, bytes);
  await control.flush(numberOf(store.ref));
}

/** Makes a disk of zeroes of a store that has nothing but a header. */
export async function clearHeader(control: Control, store: Store): Promise<void> {
  const header = await readHeader(control, store);
  if (header === undefined) return;
  const count = Math.min(PAGE_SECTORS, header.chunk);
  await control.write(numberOf(store.ref), 0, new Uint8Array(count * SECTOR_SIZE));
  await control.flush(numberOf(store.ref));
}

/** EEXIST for a disk that holds a snapshot, EINVAL for one that holds anything else. */
export async function checkEmpty(control: Control, store: Store): Promise<void> {
  const { ref, sectors } = store;
  if ((await readHeader(control, store)) !== undefined)
    throw fail('EEXIST', `${ref.name} holds a snapshot already: open that, or take another store`);
  const last = Math.max(0, sectors - PIECE);
  const places = [...(await piecesOf(control, store)), { start: last, count: sectors - last }];
  for (const { start, count } of places) {
    const bytes = Buffer.from(await control.read(numberOf(ref), start, count));
    if (isZero(bytes)) continue;
    throw fail(
      'EINVAL',
      `${ref.name} is not empty: there is data within 1 MiB of sector ${String(start)}; a store begins as a disk of zeroes`,
    );
  }
}

/** What is not known to be zeroes, in pieces, up to an end. */
async function piecesOf(
  control: Control,
  { ref, sectors }: Store,
): Promise<{ readonly start: number; readonly count: number }[]> {
  const extents = await control.extents(numberOf(ref), 0, sectors);
  const pieces: { start: number; count: number }[] = [];
  let left = ENOUGH;
  for (const extent of extents.filter(({ zero }) => !zero)) {
    for (let at = 0; at < extent.count && left > 0; at += PIECE, left -= PIECE)
      pieces.push({ start: extent.sector + at, count: Math.min(PIECE, extent.count - at) });
  }
  return pieces;
}

function isZero(bytes: Buffer): boolean {
  return bytes.length === 0 || (bytes[0] === 0 && bytes.compare(bytes, 0, bytes.length - 1, 1) === 0);
}
