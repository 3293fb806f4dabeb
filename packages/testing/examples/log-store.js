// A store of keys and values on a disk: a toy, but one that has to be right about power failures like any other.
//
// Sector 0 is the header: how many records there are. Behind it stand the records, one in each sector. A record counts when the
// header counts it, so it must be on the disk before the header is: that takes a flush between the two. `barrier: false` leaves
// it out, as programs do that were never tried on a disk that reorders writes.
import { crc32 } from 'node:zlib';

const SECTOR = 512;
const MAGIC = 0x53474f4c;

export class LogStore {
  #disk;
  #barrier;
  #values = new Map();
  #count = 0;

  constructor(disk, barrier) {
    this.#disk = disk;
    this.#barrier = barrier;
  }

  /** Makes an empty store. */
  static async format(disk) {
    await disk.write(0, header(0));
    await disk.flush();
  }

  /** Opens the store of a disk. Throws if a record that counts is not there. */
  static async open(disk, { barrier = true } = {}) {
    const store = new LogStore(disk, barrier);
    const count = countOf(await disk.read(0, SECTOR));
    for (let i = 0; i < count; i++) store.#load(await disk.read((i + 1) * SECTOR, SECTOR));
    return store;
  }

  get(key) {
    return this.#values.get(key);
  }

  /** When it resolves, the value survives a power failure. */
  async put(key, value) {
    await this.#disk.write((this.#count + 1) * SECTOR, record(key, value));
    if (this.#barrier) await this.#disk.flush();
    await this.#disk.write(0, header(this.#count + 1));
    await this.#disk.flush();
    this.#count++;
    this.#values.set(key, value);
  }

  #load(sector) {
    const length = sector.readUInt32LE(4);
    const text = sector.subarray(8, 8 + length);
    if (length === 0 || length > SECTOR - 8 || sector.readUInt32LE(0) !== crc32(text)) {
      throw new Error(`record ${this.#count} is damaged`);
    }
    const { key, value } = JSON.parse(text.toString());
    this.#values.set(key, value);
    this.#count++;
  }
}

function header(count) {
  const sector = Buffer.alloc(SECTOR);
  sector.writeUInt32LE(MAGIC, 0);
  sector.writeUInt32LE(count, 4);
  return sector;
}

function countOf(sector) {
  if (sector.readUInt32LE(0) !== MAGIC) throw new Error('there is no store on this disk');
  return sector.readUInt32LE(4);
}

function record(key, value) {
  const text = Buffer.from(JSON.stringify({ key, value }));
  const sector = Buffer.alloc(SECTOR);
  sector.writeUInt32LE(crc32(text), 0);
  sector.writeUInt32LE(text.length, 4);
  sector.set(text, 8);
  return sector;
}
