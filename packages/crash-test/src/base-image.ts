import { createHash } from 'node:crypto';
import { fail, type Port, SECTOR_SIZE } from '@interposer/core';

/** The base is looked at in pieces of so many sectors. */
export const CHUNK_SECTORS = 128;

const CHUNK_SIZE = CHUNK_SECTORS * SECTOR_SIZE;

/** Sectors of one read while the base is looked through. */
const SCAN_SECTORS = 2048;

/** Bytes of the base that are kept in memory; the rest is read when it is asked for. */
const DEFAULT_CACHE = 256 * 2 ** 20;

const ZERO_CHUNK = Buffer.alloc(CHUNK_SIZE);

/** What the disk held before the log began. Chunks that hold zeroes only are known as such. */
export class BaseImage {
  readonly port: Port;
  /** Size of the disk. */
  readonly sectors: number;
  /** SHA-256 of its content, in hexadecimal digits; whether zeroes are allocated makes no difference. */
  hash = '';
  /** Chunks with data: null where it is not kept. */
  readonly #chunks = new Map<number, Buffer | null>();
  /** Their numbers, in order. */
  readonly #numbers: number[] = [];
  #room: number;

  private constructor(port: Port, cacheBytes: number) {
    this.port = port;
    this.sectors = port.limits.sectors;
    this.#room = cacheBytes;
  }

  /** Looks through all of the base that is allocated. */
  static async open(port: Port, cacheBytes: number = DEFAULT_CACHE): Promise<BaseImage> {
    const base = new BaseImage(port, cacheBytes);
    const hash = createHash('sha256').update(`${String(base.sectors)}\n`);
    let at = 0;
    for (const { sector, count, zero } of await port.extents(0, base.sectors)) {
      if (zero) continue;
      const end = Math.min(base.sectors, Math.ceil((sector + count) / CHUNK_SECTORS) * CHUNK_SECTORS);
      for (at = Math.max(at, sector - (sector % CHUNK_SECTORS)); at < end; at += SCAN_SECTORS) {
        const length = Math.min(SCAN_SECTORS, end - at);
        const bytes = Buffer.from((await port.read(at, length)).buffer);
        base.#take(at, bytes, (number, chunk) => hash.update(`${String(number)}\n`).update(chunk));
      }
      at = end;
    }
    base.hash = hash.digest('hex');
    return base;
  }

  /** Numbers of the chunks with data that lie in a range of sectors or touch it, in order. */
  chunksIn(sector: number, count: number): number[] {
    const first = Math.floor(sector / CHUNK_SECTORS);
    const last = Math.floor((sector + count - 1) / CHUNK_SECTORS);
    let low = 0;
    let high = this.#numbers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#numbers[middle]! < first) low = middle + 1;
      else high = middle;
    }
    const found: number[] = [];
    for (let index = low; index < this.#numbers.length && this.#numbers[index]! <= last; index++)
      found.push(this.#numbers[index]!);
    return found;
  }

  /** The data of a chunk of `chunksIn`, if it is in memory. The last chunk of a disk may be shorter. */
  chunkNow(number: number): Buffer | null {
    return this.#chunks.get(number) ?? null;
  }

  /** The data of a chunk of `chunksIn`. ENODEV where the base was closed. */
  async chunk(number: number): Promise<Buffer> {
    const known = this.chunkNow(number);
    if (known !== null) return known;
    if (!this.port.isOpen) throw fail('ENODEV', `the base ${this.port.device.name} was closed`);
    const sector = number * CHUNK_SECTORS;
    const bytes = await this.port.read(sector, Math.min(CHUNK_SECTORS, this.sectors - sector));
    return Buffer.from(bytes.buffer);
  }

  #take(sector: number, bytes: Buffer, found: (number: number, chunk: Buffer) => void): void {
    for (let at = 0; at < bytes.length; at += CHUNK_SIZE) {
      const piece = bytes.subarray(at, at + CHUNK_SIZE);
      if (piece.compare(ZERO_CHUNK, 0, piece.length) === 0) continue;
      const number = (sector + at / SECTOR_SIZE) / CHUNK_SECTORS;
      const kept = this.#room >= piece.length;
      if (kept) this.#room -= piece.length;
      // A copy: the buffer of the read may have much that is not kept.
      this.#chunks.set(number, kept ? Buffer.from(piece) : null);
      this.#numbers.push(number);
      found(number, piece);
    }
  }
}
