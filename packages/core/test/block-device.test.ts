import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BioOp, MapResult, type Port, Status } from '../src/index.ts';
import { stampAt, stamped, type TestDisk } from './support/disks.ts';
import { read, Rig, send, write } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;

beforeEach(() => {
  rig = new Rig();
  disk = rig.disks.add('a', 1000, { logicalBlock: 4096, maxSectors: 64, maxRangeSectors: 64 });
});

afterEach(() => rig.finish());

describe('what a device checks before anybody sees a bio', () => {
  it.each([
    ['at the end', 992, 8, Status.Ok],
    ['past the end', 1000, 8, Status.Inval],
    ['over the end', 992, 16, Status.Inval],
    ['before the start', -8, 8, Status.Inval],
    ['nothing', 8, 0, Status.Inval],
    ['less than nothing', 8, -8, Status.Inval],
    ['overflowing', Number.MAX_SAFE_INTEGER, 8, Status.Inval],
    ['no number', NaN, 8, Status.Inval],
    ['no count', 8, NaN, Status.Inval],
    ['a start that is not aligned', 4, 8, Status.Inval],
    ['a length that is not aligned', 8, 4, Status.Inval],
    ['a part of a sector', 0.5, 8, Status.Inval],
  ])('%s: sector %d, count %d is %d', async (_what, sector, count, status) => {
    const port = await rig.open('disk:a');
    const sent = send(port, BioOp.Discard, sector, count, { buffer: new Uint8Array(0) });
    expect(sent).toMatchObject({ status, ends: 1 });
    expect(disk.seen).toHaveLength(status === Status.Ok ? 1 : 0);
  });

  it('nothing of a flush', async () => {
    expect(send(await rig.open('disk:a'), BioOp.Flush, 5000, 0).status).toBe(Status.Ok);
  });

  it('writing to what has turned read-only', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0' });
    const port = await rig.open('m');
    await rig.engine.load('m', '0 8 span disk:a 0', { readOnly: true });
    expect(write(port, 0, 8).status).toBe(Status.Ok);
    await rig.engine.resume('m');
    expect([write(port, 0, 8).status, read(port, 0, 8).status]).toEqual([Status.Perm, Status.Ok]);
    expect(write(port, 8, 8).status).toBe(Status.Inval);
    expect((await rig.engine.info('m')).readOnly).toBe(true);
  });
});

describe('a bio larger than the driver takes', () => {
  it('goes in pieces that end at multiples of the largest size, into the same buffer', async () => {
    disk.data.set(stamped('a', 0, 1000));
    const port = await rig.open('disk:a');
    const buffer = new Uint8Array(201 * 512);
    const sent = read(port, 8, 200, { buffer, offset: 512 });
    expect(disk.seen).toEqual(['read 8+56', 'read 64+64', 'read 128+64', 'read 192+16']);
    expect(sent).toMatchObject({ status: Status.Ok, ends: 1 });
    expect([1, 56, 57, 200].map((index) => stampAt(buffer, index))).toEqual(['a8', 'a63', 'a64', 'a207']);
    expect(sent.bio.sector).toBe(0);
  });

  it('has a largest size of its own for an operation without data', async () => {
    const ranges = rig.disks.add('ranges', 1000, { maxSectors: 8, maxRangeSectors: 256 });
    const port = await rig.open('disk:ranges');
    send(port, BioOp.Discard, 0, 200);
    send(port, BioOp.WriteZeroes, 100, 400);
    read(port, 0, 16);
    expect(ranges.seen).toEqual([
      'discard 0+200',
      'write-zeroes 100+156',
      'write-zeroes 256+244',
      'read 0+8',
      'read 8+8',
    ]);
  });

  it('keeps a bounded number of pieces under way', async () => {
    const large = rig.disks.add('b', 10_000, { maxSectors: 8 });
    large.hold = true;
    const sent = write(await rig.open('disk:b'), 0, 8000);
    expect(large.seen).toHaveLength(16);
    large.serve(large.held.shift()!);
    expect(large.seen).toHaveLength(17);
    large.release();
    expect(large.seen).toHaveLength(1000);
    expect(sent).toMatchObject({ status: Status.Ok, ends: 1 });
  });

  it('fails with the first error, when all pieces are back', async () => {
    disk.hold = true;
    const sent = write(await rig.open('disk:a'), 0, 192);
    const [first, second, third] = disk.held;
    disk.held = [];
    third!.complete(Status.NoSpc);
    first!.complete(Status.Ok);
    expect(sent.status).toBeNull();
    second!.complete(Status.Io);
    expect(sent).toMatchObject({ status: Status.NoSpc, ends: 1 });
  });

  it('has no data window to move for an operation without data', async () => {
    const offsets: number[] = [];
    disk.onSubmit = (bio) => {
      offsets.push(bio.bufferOffset);
      bio.complete(Status.Ok);
      return 0;
    };
    send(await rig.open('disk:a'), BioOp.Discard, 0, 128, { buffer: new Uint8Array(0) });
    expect(offsets).toEqual([0, 0]);
  });

  it('is answered as a whole by a driver that kills or requeues pieces', async () => {
    const port: Port = await rig.open('disk:a');
    for (const verdict of [MapResult.Kill, MapResult.Requeue]) {
      disk.onSubmit = () => verdict;
      expect(write(port, 0, 192)).toMatchObject({ status: Status.Io, ends: 1 });
      expect(write(port, 0, 8)).toMatchObject({ status: Status.Io, ends: 1 });
    }
  });
});

describe('a device', () => {
  it('remembers where a bio was first sent', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 8' });
    const port = await rig.open('m');
    const origins: (string | undefined)[] = [];
    disk.onSubmit = (bio) => {
      origins.push(bio.origin?.name);
      bio.complete(Status.Ok);
      return 0;
    };
    expect(read(port, 0, 8).status).toBe(Status.Ok);
    expect(origins).toEqual(['m']);
    expect(port.device.openCount).toBe(1);
  });
});
