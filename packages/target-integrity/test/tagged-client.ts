import {
  BioOp,
  bioPool,
  INTEGRITY_UNIT,
  integrityRate,
  type Port,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';

/** What the client and the device agree on. */
export interface Shape {
  readonly tagSize: number;
  /** Bytes. */
  readonly block: number;
}

/** Blocks with their tags. */
export interface Tagged {
  readonly data: Buffer;
  readonly tags: Buffer;
}

/** Uses a device as crypt does: with a tag for each block. Data and tag of a block tell which write they are of. */
export class TaggedClient {
  readonly port: Port;
  readonly shape: Shape;

  constructor(port: Port, shape: Shape) {
    this.port = port;
    this.shape = shape;
  }

  get blocks(): number {
    return Math.floor((this.port.limits.sectors * SECTOR_SIZE) / this.shape.block);
  }

  /** Blocks of the write of a number. */
  blocksOf(number: number, count: number): Tagged {
    const { block, tagSize } = this.shape;
    const data = Buffer.alloc(count * block);
    for (let at = 0; at < data.length; at += 4) data.writeUInt32LE(number, at);
    return { data, tags: Buffer.alloc(count * tagSize, tagOf(number)) };
  }

  /** The number of the write that a block is of; -1 where its tag is that of another one. */
  numberOf({ data, tags }: Tagged, index: number): number {
    const { block, tagSize } = this.shape;
    const number = data.readUInt32LE(index * block);
    for (let at = index * block; at < (index + 1) * block; at += 4)
      if (data.readUInt32LE(at) !== number) return -1;
    const tag = tagOf(number);
    for (let at = index * tagSize; at < (index + 1) * tagSize; at++) if (tags[at] !== tag) return -1;
    return number;
  }

  async write(first: number, number: number, count: number, flags = 0): Promise<void> {
    const status = await this.send(BioOp.Write, first, count, this.blocksOf(number, count), flags);
    if (status !== Status.Ok) throw new Error(`write: ${String(status)}`);
  }

  /** The numbers of the writes that the blocks are of. */
  async read(first: number, count: number): Promise<number[]> {
    const { block, tagSize } = this.shape;
    const into = { data: Buffer.alloc(count * block, 0xee), tags: Buffer.alloc(count * tagSize, 0xee) };
    const status = await this.send(BioOp.Read, first, count, into, 0);
    if (status !== Status.Ok) throw new Error(`read: ${String(status)}`);
    return Array.from({ length: count }, (_, index) => this.numberOf(into, index));
  }

  send(op: BioOp, first: number, count: number, { data, tags }: Tagged, flags: number): Promise<Status> {
    const sectors = this.shape.block / SECTOR_SIZE;
    return new Promise((resolve) => {
      const bio = bioPool.get();
      bio.op = op;
      bio.flags = flags;
      bio.sector = first * sectors;
      bio.count = count * sectors;
      bio.buffer = data;
      bio.integrity = tags;
      bio.integrityRate = (this.shape.tagSize * INTEGRITY_UNIT) / this.shape.block;
      bio.end = (done) => {
        const { status } = done;
        const isKept = done.integrity === tags && done.integrityRate === integrityRate(this.port.limits);
        bioPool.put(done);
        resolve(isKept || status === Status.Inval ? status : Status.NoMem);
      };
      this.port.submit(bio);
    });
  }
}

/** 0 for 0, so that a device that was never written to is right. */
function tagOf(number: number): number {
  return number === 0 ? 0 : (number % 255) + 1;
}
