import { type Bio, BioOp, type Extent, type Limits, MapResult, SECTOR_SIZE, Status } from '@interposer/core';
import { deviceSuite, DiskDriver, type DiskOptions, MemoryDisk } from '../../src/index.ts';
import type { Mutant } from './mutant.ts';

type Make = (options: DiskOptions) => MemoryDisk;

let made = 0;

function device(fault: string, failing: string, make: Make): Mutant {
  return {
    fault,
    failing,
    suite: (runner, mutated) => {
      const type = new DiskDriver('mutant', mutated ? make : (options) => new MemoryDisk(options));
      deviceSuite(runner, {
        type,
        persists: true,
        timeout: 100,
        create: (sectors) => {
          const name = String(made++);
          type.add(name, { sectors });
          return { spec: `mutant:${name}` };
        },
      });
    },
  };
}

/** A disk that serves some bios in its own way. */
function serving(serve: (disk: MemoryDisk, bio: Bio, original: () => Status) => Status): Make {
  return (options) =>
    new (class extends MemoryDisk {
      override serve(bio: Bio): Status {
        return serve(this, bio, () => super.serve(bio));
      }
    })(options);
}

/** A disk that takes some bios in its own way. */
function taking(submit: (disk: MemoryDisk, bio: Bio) => void): Make {
  return (options) =>
    new (class extends MemoryDisk {
      override submit(bio: Bio): MapResult {
        submit(this, bio);
        return MapResult.Submitted;
      }
    })(options);
}

function start(bio: Bio): number {
  return bio.sector * SECTOR_SIZE;
}

function end(bio: Bio): number {
  return start(bio) + bio.count * SECTOR_SIZE;
}

function window(bio: Bio): Uint8Array {
  return bio.buffer.subarray(bio.bufferOffset, bio.bufferOffset + bio.count * SECTOR_SIZE);
}

const shared = new MemoryDisk({ sectors: 1024 });

export const deviceMutants: readonly Mutant[] = [
  device(
    'writes one sector too far',
    'data: 1 block at the start, inside and at the end',
    serving((disk, bio, original) => {
      if (bio.op !== BioOp.Write || end(bio) === disk.data.length) return original();
      disk.data.set(window(bio), start(bio) + SECTOR_SIZE);
      return Status.Ok;
    }),
  ),
  device(
    'ignores the offset of the data window',
    'window: at byte 512 of a larger buffer',
    serving((disk, bio, original) => {
      if (bio.op !== BioOp.Write) return original();
      disk.data.set(bio.buffer.subarray(0, bio.count * SECTOR_SIZE), start(bio));
      return Status.Ok;
    }),
  ),
  device(
    'completes twice',
    'completion: each of 64 bios under way ends once',
    taking((disk, bio) => {
      bio.complete(disk.serve(bio));
      bio.complete(Status.Ok);
    }),
  ),
  device(
    'never completes the twentieth bio',
    'data: 150 random requests, one after another, agree with the model',
    taking((disk, bio) => {
      disk.arrived[bio.op]!++;
      if (disk.requests !== 20) bio.complete(disk.serve(bio));
    }),
  ),
  device(
    'completes a write before it is visible',
    'completion: a write is visible to a read that its end submits',
    taking((disk, bio) => {
      if (bio.op !== BioOp.Write) {
        bio.complete(disk.serve(bio));
        return;
      }
      const data = window(bio).slice();
      const at = start(bio);
      queueMicrotask(() => {
        disk.data.set(data, at);
      });
      bio.complete(Status.Ok);
    }),
  ),
  device(
    'looks at the buffer of a write after it has ended',
    'completion: nothing reads or writes a buffer after its bio has ended',
    taking((disk, bio) => {
      const data = window(bio);
      const at = start(bio);
      if (bio.op === BioOp.Write) setImmediate(() => disk.data.set(data, at));
      bio.complete(disk.serve(bio));
    }),
  ),
  device(
    'leaves the last sector of a read as it was',
    'data: 8 blocks at the start, inside and at the end',
    serving((disk, bio, original) => {
      if (bio.op !== BioOp.Read) return original();
      bio.buffer.set(disk.data.subarray(start(bio), end(bio) - SECTOR_SIZE), bio.bufferOffset);
      return Status.Ok;
    }),
  ),
  device(
    'drops the last sector of a write of several',
    'data: 2 blocks at the start, inside and at the end',
    serving((disk, bio, original) => {
      if (bio.op !== BioOp.Write || bio.count === 1) return original();
      disk.data.set(window(bio).subarray(0, -SECTOR_SIZE), start(bio));
      return Status.Ok;
    }),
  ),
  device(
    'swaps the first two sectors of a large write',
    'data: the whole device, sector by sector stamped',
    serving((disk, bio, original) => {
      const status = original();
      if (bio.op !== BioOp.Write || bio.count < 100) return status;
      const first = disk.data.slice(start(bio), start(bio) + SECTOR_SIZE);
      disk.data.copyWithin(start(bio), start(bio) + SECTOR_SIZE, start(bio) + 2 * SECTOR_SIZE);
      disk.data.set(first, start(bio) + SECTOR_SIZE);
      return status;
    }),
  ),
  device(
    'discards the sector behind too',
    'discard: neighbours stay, and the range can be written again',
    serving((disk, bio, original) => {
      if (bio.op === BioOp.Discard) disk.data.fill(0, start(bio), end(bio) + SECTOR_SIZE);
      return original();
    }),
  ),
  device(
    'leaves data where zeroes are to be written',
    'write-zeroes: the range reads as zeroes, neighbours stay',
    serving((_disk, bio, original) => (bio.op === BioOp.WriteZeroes ? Status.Ok : original())),
  ),
  device(
    'leaves data where zeroes must not unmap',
    'write-zeroes: without unmapping too',
    serving((_disk, bio, original) =>
      bio.op === BioOp.WriteZeroes && bio.flags !== 0 ? Status.Ok : original(),
    ),
  ),
  device(
    'encrypts the data of a write in its own buffer',
    'window: a write leaves its buffer as it was',
    serving((_disk, bio, original) => {
      const status = original();
      if (bio.op === BioOp.Write) bio.buffer[bio.bufferOffset]! ^= 1;
      return status;
    }),
  ),
  device('shares one store among all devices', 'device: two devices share nothing', () => shared),
  device(
    'leaves a gap in its extents',
    'device: extents cover what is asked for, in order, without gaps',
    (options) =>
      new (class extends MemoryDisk {
        async extents(sector: number, count: number): Promise<Extent[]> {
          return [{ sector, count: count - 1, hole: false, zero: false }];
        }
      })(options),
  ),
  device(
    'calls data zero in its extents',
    'device: what its extents call zero reads as zeroes',
    (options) =>
      new (class extends MemoryDisk {
        async extents(sector: number, count: number): Promise<Extent[]> {
          return [{ sector, count, hole: true, zero: true }];
        }
      })(options),
  ),
  device(
    'forgets its data when it is closed',
    'device: data is still there when it is opened again',
    (options) =>
      new (class extends MemoryDisk {
        override close(): Promise<void> {
          this.data.fill(0);
          return super.close();
        }
      })(options),
  ),
  device(
    'is larger than it was asked to be',
    'device: has the size that was asked for and limits that make sense',
    ({ sectors }) => new MemoryDisk({ sectors: sectors + 8 }),
  ),
  device(
    'has a block size that is no power of two',
    'device: has the size that was asked for and limits that make sense',
    (options) => new MemoryDisk({ ...options, limits: { physicalBlock: 1000 } satisfies Partial<Limits> }),
  ),
  device(
    'answers a bio with a state that is no result',
    'data: 1 block at the start, inside and at the end',
    serving((_disk, bio, original) => (bio.op === BioOp.Write ? Status.Idle : original())),
  ),
];
