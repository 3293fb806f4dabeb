import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BioFlag, BioOp, type Port, Status } from '../src/index.ts';
import type { TestDisk } from './support/disks.ts';
import { read, Rig, write } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
let port: Port;

beforeEach(async () => {
  rig = new Rig();
  disk = rig.disks.add('a', 64);
  port = await rig.open('disk:a');
});

afterEach(() => rig.finish());

describe('a write with preflush', () => {
  it('is a flush, and only when that is complete the write, with its other flags', () => {
    disk.hold = true;
    const sent = write(port, 8, 1, { flags: BioFlag.Preflush | BioFlag.Fua });
    expect(disk.seen).toEqual(['flush 0+0']);
    disk.serve(disk.held.shift()!);
    expect(disk.seen).toEqual(['flush 0+0', 'write 8+1 fua']);
    expect(sent.status).toBeNull();
    disk.release();
    expect(sent).toMatchObject({ status: Status.Ok, ends: 1 });
  });

  it('writes nothing where the flush fails', () => {
    disk.onSubmit = (bio) => {
      bio.complete(bio.op === BioOp.Flush ? Status.Io : Status.Ok);
      return 0;
    };
    expect(write(port, 8, 1, { flags: BioFlag.Preflush })).toMatchObject({ status: Status.Io, ends: 1 });
    expect(disk.seen).toEqual(['flush 0+0']);
  });

  it('leaves other bios alone', () => {
    disk.hold = true;
    write(port, 8, 1, { flags: BioFlag.Preflush });
    disk.hold = false;
    expect(read(port, 0).status).toBe(Status.Ok);
    disk.release();
  });
});
