import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALL_OPS, BioOp, opSet, type Port, Status, type Target } from '../src/index.ts';
import { stampAt, stamped, type TestDisk } from './support/disks.ts';
import { targetType } from './support/plugins.ts';
import { Probe } from './support/probe.ts';
import { read, Rig, send, write } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
let probe: Probe;
let seen: string[];

beforeEach(() => {
  probe = new Probe();
  ({ seen } = probe);
  rig = new Rig(
    probe.type,
    targetType('reads', () => ({}), { ops: opSet(BioOp.Read) }),
  );
  disk = rig.disks.add('a', 1024);
  disk.data.set(stamped('a', 0, 1024));
});

afterEach(() => rig.finish());

function device(table: string, parts?: Partial<Target>): Promise<Port> {
  return probe.device(rig, table, parts);
}

describe('a bio over several rows', () => {
  it('is cut where rows end, and each piece goes where its row says', async () => {
    const port = await device('0 8 span disk:a 100\n8 1 span disk:a 7\n9 23 span disk:a 200');
    const sent = read(port, 4, 10);
    expect(disk.seen).toEqual(['read 104+4', 'read 7+1', 'read 200+5']);
    expect([0, 3, 4, 5, 9].map((index) => stampAt(sent.buffer, index))).toEqual([
      'a104',
      'a107',
      'a7',
      'a200',
      'a204',
    ]);
  });

  it('finds its row among many', async () => {
    const rows = Array.from(
      { length: 100 },
      (_, i) => `${String(i * 3)} 3 span disk:a ${String(300 - i * 3)}`,
    );
    const port = await device(rows.join('\n'));
    for (const sector of [0, 2, 3, 150, 151, 152, 297, 299]) {
      const row = Math.floor(sector / 3);
      expect(stampAt(read(port, sector).buffer)).toBe(`a${String(300 - row * 3 + (sector % 3))}`);
    }
  });

  it('ends with the first error, once', async () => {
    const port = await device('0 8 span disk:a 0\n8 8 error\n16 8 span disk:a 16');
    const sent = read(port, 0, 24);
    expect(sent).toMatchObject({ status: Status.Io, ends: 1 });
    expect(sent.buffer.every((byte) => byte === 0)).toBe(true);
    expect(disk.seen).toEqual(['read 0+8', 'read 16+8']);
  });

  it('answers NotSup for a row whose target does not know the operation', async () => {
    const port = await device('0 8 span disk:a 0\n8 8 reads');
    expect(write(port, 4, 8).status).toBe(Status.NotSup);
    expect(write(port, 8, 8).status).toBe(Status.NotSup);
    expect(send(port, BioOp.Discard, 4, 8).status).toBe(Status.NotSup);
  });
});

describe('a target with a largest I/O', () => {
  it('gets no read or write over a multiple of it, counted from the start of its row', async () => {
    const port = await device('0 5 span disk:a 0\n5 59 probe disk:a 0', { maxIo: 8 });
    read(port, 11, 12);
    write(port, 13, 8);
    expect(seen).toEqual(['read 11+2#0', 'read 13+8#0', 'read 21+2#0', 'write 13+8#0']);
  });

  it('gets a discard in one piece', async () => {
    const port = await device('0 64 probe disk:a 0', { maxIo: 8 });
    send(port, BioOp.Discard, 3, 40);
    expect(seen).toEqual(['discard 3+40#0']);
  });
});

describe('a target that wants copies', () => {
  it('gets as many as it wants of each piece, numbered', async () => {
    const port = await device('0 8 probe disk:a 0\n8 8 probe disk:a 8', {
      discardCopies: 2,
      writeZeroesCopies: 3,
      flushCopies: 2,
    });
    expect(send(port, BioOp.Discard, 6, 4).status).toBe(Status.Ok);
    expect(seen).toEqual(['discard 6+2#0', 'discard 6+2#1', 'discard 8+2#0', 'discard 8+2#1']);
    seen.length = 0;
    expect(send(port, BioOp.WriteZeroes, 0, 2).status).toBe(Status.Ok);
    expect(seen).toEqual(['write-zeroes 0+2#0', 'write-zeroes 0+2#1', 'write-zeroes 0+2#2']);
    seen.length = 0;
    expect(send(port, BioOp.Flush, 0, 0).status).toBe(Status.Ok);
    expect(seen).toEqual(['flush 0+0#0', 'flush 0+0#1', 'flush 8+0#0', 'flush 8+0#1']);
  });

  it('of none does not support the operation', async () => {
    const port = await device('0 64 probe disk:a 0', { discardCopies: 0 });
    expect(send(port, BioOp.Discard, 0, 8).status).toBe(Status.NotSup);
    expect(seen).toEqual([]);
  });
});

describe('operations that a table offers', () => {
  it('are those of its target type', async () => {
    const port = await device('0 8 probe disk:a 0');
    expect(port.device.limits.ops).toBe(ALL_OPS);
  });
});
