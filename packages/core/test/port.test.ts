import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BioFlag, BioOp, type Claim, type Port, Status } from '../src/index.ts';
import { stampAt, stamped, type TestDisk } from './support/disks.ts';
import { read, Rig, send, write } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
let port: Port;

beforeEach(async () => {
  rig = new Rig();
  disk = rig.disks.add('a', 64);
  disk.data.set(stamped('a', 0, 64));
  port = await rig.open('disk:a');
});

afterEach(() => rig.finish());

describe('promises of a port', () => {
  it('read, write, flush, discard and write zeroes', async () => {
    expect(stampAt(await port.read(3, 2), 1)).toBe('a4');
    const into = new Uint8Array(512);
    expect(await port.read(5, 1, into)).toBe(into);
    expect(stampAt(into)).toBe('a5');
    await port.write(8, stamped('w', 8, 2));
    expect(stampAt(disk.data, 9)).toBe('w9');
    await port.write(8, stamped('x', 8, 1), BioFlag.Fua);
    await port.flush();
    await port.discard(8, 1);
    await port.writeZeroes(9, 1, BioFlag.NoUnmap);
    expect(disk.data.subarray(8 * 512, 10 * 512).every((byte) => byte === 0)).toBe(true);
    expect(disk.seen.slice(-5)).toEqual([
      'write 8+2',
      'write 8+1 fua',
      'flush 0+0',
      'discard 8+1',
      'write-zeroes 9+1',
    ]);
  });

  it('reject with the code of the failure, and say what failed where', async () => {
    await expect(port.read(64, 1)).rejects.toMatchObject({
      code: 'EINVAL',
      message: 'read of sectors 64+1 on a failed: EINVAL',
    });
    disk.status = Status.NoSpc;
    await expect(port.write(0, new Uint8Array(512))).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(port.flush()).rejects.toThrow('flush on a failed: ENOSPC');
  });

  it('refuse data that is no whole number of sectors', async () => {
    await expect(port.write(0, new Uint8Array(700))).rejects.toMatchObject({ code: 'EINVAL' });
    expect(disk.seen).toEqual([]);
  });
});

describe('what a port checks', () => {
  it('a buffer too small for the count', () => {
    expect(read(port, 0, 2, { buffer: new Uint8Array(1024), offset: 1 }).status).toBe(Status.Inval);
    expect(write(port, 0, 2, { buffer: new Uint8Array(1023) }).status).toBe(Status.Inval);
    expect(send(port, BioOp.Discard, 0, 2, { buffer: new Uint8Array(0) }).status).toBe(Status.Ok);
    expect(disk.seen).toEqual(['discard 0+2']);
  });

  it('writes through a port that is open for reading', async () => {
    const reader = await rig.open('disk:a', { mode: 'read' });
    for (const op of [BioOp.Write, BioOp.Discard, BioOp.WriteZeroes])
      expect(send(reader, op, 0, 1).status).toBe(Status.Perm);
    expect(read(reader, 0).status).toBe(Status.Ok);
    expect(send(reader, BioOp.Flush, 0, 0).status).toBe(Status.Ok);
  });

  it('that it is open; bios on their way still end', async () => {
    const other = await rig.open('disk:a');
    disk.hold = true;
    const sent = read(other, 0);
    other.close();
    other.close();
    expect(other.isOpen).toBe(false);
    expect(read(other, 0).status).toBe(Status.NoDev);
    disk.release();
    expect(sent.status).toBe(Status.Ok);
  });
});

describe('claims', () => {
  const open = (claim: Claim, holder: string): Port => port.device.open({ mode: 'read', claim, holder });

  it.each<[Claim, Claim, boolean]>([
    ['exclusive', 'exclusive', false],
    ['exclusive', 'shared', false],
    ['shared', 'exclusive', false],
    ['shared', 'shared', true],
    ['exclusive', 'noexcl', true],
    ['noexcl', 'exclusive', true],
    ['noexcl', 'noexcl', true],
  ])('%s by one holder, %s by another: %s', (first, second, allowed) => {
    const held = open(first, 'one');
    if (allowed) open(second, 'other').close();
    else expect(() => open(second, 'other')).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    held.close();
    open(second, 'other').close();
  });

  it('do not exclude ports of one holder, save that what is shared is not exclusive', () => {
    const [first, second] = [open('exclusive', 'one'), open('exclusive', 'one')];
    expect(() => open('shared', 'one')).toThrow('a is in use: exclusive claim of one');
    first.close();
    expect(() => open('exclusive', 'other')).toThrow('exclusive claim of one');
    second.close();
  });

  it('leave a read-only device to readers', async () => {
    rig.disks.add('ro', 64, { readOnly: true });
    await expect(rig.open('disk:ro')).rejects.toMatchObject({ code: 'EROFS' });
    const reader = await rig.open('disk:ro', { mode: 'read' });
    expect(read(reader, 0).status).toBe(Status.Ok);
  });
});
