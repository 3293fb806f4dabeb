import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Status, type Target } from '../src/index.ts';
import { stampAt, stamped, type TestDisk } from './support/disks.ts';
import { spanType } from './support/plugins.ts';
import { read, Rig, type Sent, settle, write } from './support/rig.ts';

let rig: Rig;
let a: TestDisk;
let b: TestDisk;
let calls: string[];
let preresume: () => void;
let postsuspend: () => void | Promise<void>;

/** A target that writes down its life. */
function living(name: string): Partial<Target> {
  const note = (what: string) => () => void calls.push(`${name} ${what}`);
  return {
    presuspend: note('presuspend'),
    postsuspend: () => {
      note('postsuspend')();
      return postsuspend();
    },
    preresume: () => {
      note('preresume')();
      preresume();
    },
    resume: note('resume'),
    close: note('close'),
  };
}

beforeEach(() => {
  calls = [];
  preresume = () => undefined;
  postsuspend = () => undefined;
  rig = new Rig(spanType('live', (port) => living(port.device.name)));
  a = rig.disks.add('a', 1024);
  b = rig.disks.add('b', 1024);
  a.data.set(stamped('a', 0, 1024));
  b.data.set(stamped('b', 0, 1024));
});

afterEach(() => rig.finish());

describe('the two slots', () => {
  it('of a new device are empty: it has no size, and every bio is an error', async () => {
    const info = await rig.engine.create('m', { uuid: 'U1' });
    expect(info).toMatchObject({ live: false, inactive: false, suspended: false, targets: 0, sectors: 0 });
    const port = await rig.open('m');
    expect(read(port, 0).status).toBe(Status.Inval);
    await expect(port.flush()).rejects.toMatchObject({ code: 'EIO' });
    expect(await rig.engine.table('m')).toEqual([]);
  });

  it('load fills the inactive one, and resume makes it live', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0' });
    const port = await rig.open('m');
    await rig.engine.load('m', '0 16 span disk:b 8');
    expect(await rig.engine.info('m')).toMatchObject({
      live: true,
      inactive: true,
      sectors: 8,
      suspended: false,
    });
    expect(await rig.engine.table('m', { inactive: true })).toEqual([
      { start: 0, length: 16, type: 'span', params: '7:1 8' },
    ]);
    expect(stampAt(read(port, 0).buffer)).toBe('a0');
    await rig.engine.resume('m');
    expect(await rig.engine.info('m')).toMatchObject({
      live: true,
      inactive: false,
      sectors: 16,
      targets: 1,
    });
    expect(stampAt(read(port, 0).buffer)).toBe('b8');
    await settle();
    expect([a.isOpen, b.isOpen]).toEqual([false, true]);
  });

  it('load replaces what was loaded, and clear gives it up', async () => {
    await rig.engine.create('m');
    await rig.engine.load('m', '0 8 live disk:a 0');
    await rig.engine.load('m', '0 8 live disk:b 0');
    expect(calls).toEqual(['a close']);
    await rig.engine.clear('m');
    await rig.engine.clear('m');
    expect(calls).toEqual(['a close', 'b close']);
    await settle();
    expect([a.isOpen, b.isOpen]).toEqual([false, false]);
    expect((await rig.engine.info('m')).inactive).toBe(false);
  });

  it('resume: nothing to do on an active device, EINVAL on a suspended one without any table', async () => {
    await rig.engine.create('m');
    await rig.engine.resume('m');
    await rig.engine.suspend('m');
    await expect(rig.engine.resume('m')).rejects.toMatchObject({ code: 'EINVAL' });
    expect((await rig.engine.info('m')).suspended).toBe(true);
    await rig.engine.load('m', '0 8 span disk:a 0');
    await rig.engine.resume('m');
    expect((await rig.engine.info('m')).suspended).toBe(false);
  });
});

describe('suspend and resume', () => {
  it('call the targets in the kernel’s order', async () => {
    await rig.engine.create('m', { table: '0 8 live disk:a 0' });
    calls.length = 0;
    await rig.engine.suspend('m');
    await rig.engine.suspend('m');
    expect(calls).toEqual(['a presuspend', 'a postsuspend']);
    await rig.engine.load('m', '0 8 live disk:b 0');
    await rig.engine.resume('m');
    expect(calls.slice(2)).toEqual(['b preresume', 'b resume', 'a close']);
    calls.length = 0;
    await rig.engine.load('m', '0 8 live disk:a 0');
    await rig.engine.resume('m');
    expect(calls).toEqual(['b presuspend', 'b postsuspend', 'a preresume', 'a resume', 'b close']);
  });

  it('wait for what a target still has to do, before the suspend is over and before the next table begins', async () => {
    let rest = (): void => undefined;
    postsuspend = () => new Promise<void>((resolve) => (rest = resolve));
    await rig.engine.create('m', { table: '0 8 live disk:a 0' });
    const suspending = rig.engine.suspend('m').then(() => calls.push('suspended'));
    await settle();
    calls.push('rest');
    rest();
    await suspending;
    expect(calls.slice(-3)).toEqual(['a postsuspend', 'rest', 'suspended']);
    await rig.engine.resume('m');
    calls.length = 0;
    const swap = rig.engine.transaction([{ kind: 'reload', device: 'm', table: '0 8 live disk:b 0' }]);
    await settle();
    expect(calls).toEqual(['a presuspend', 'a postsuspend']);
    rest();
    await swap;
    expect(calls.slice(2)).toEqual(['b preresume', 'b resume', 'a close']);
    postsuspend = () => undefined;
  });

  it('go on where a target does not come to rest, and nothing else waits for it', async () => {
    let rest = (): void => undefined;
    postsuspend = () => new Promise<void>((resolve) => (rest = resolve));
    await rig.engine.create('m', { table: '0 8 live disk:a 0' });
    const port = await rig.open('m');
    const suspending = expect(rig.engine.suspend('m')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await settle();
    rig.clock.advance(60_000);
    await suspending;
    expect(calls.slice(-2)).toEqual(['a postsuspend', 'a resume']);
    expect(await rig.engine.info('m')).toMatchObject({ suspended: false });
    await port.read(0, 8);
    rest();
    postsuspend = () => undefined;
  });

  it('stays suspended where a target cannot resume; the old table is given up, and bios wait for another try', async () => {
    await rig.engine.create('m', { table: '0 8 live disk:a 0' });
    const port = await rig.open('m');
    await rig.engine.load('m', '0 8 live disk:b 0');
    preresume = () => {
      throw new Error('not yet');
    };
    await expect(rig.engine.resume('m')).rejects.toThrow('not yet');
    expect(await rig.engine.info('m')).toMatchObject({ suspended: true, live: true, inactive: false });
    await settle();
    expect(a.isOpen).toBe(false);
    const sent = read(port, 0);
    expect(sent.status).toBeNull();
    preresume = () => undefined;
    await rig.engine.resume('m');
    expect(stampAt(sent.buffer)).toBe('b0');
  });

  it('swap tables under I/O without losing a bio', async () => {
    await rig.engine.create('m', { table: '0 64 span disk:a 0' });
    const port = await rig.open('m');
    const sent: Sent[] = [];
    for (let round = 0; round < 20; round++) {
      a.hold = b.hold = true;
      for (let i = 0; i < 4; i++) sent.push(write(port, i * 8, 8));
      await rig.engine.load('m', `0 64 span disk:${round % 2 === 0 ? 'b' : 'a'} 0`);
      const resuming = rig.engine.resume('m');
      await settle();
      sent.push(write(port, 40, 8));
      a.release();
      b.release();
      await resuming;
    }
    expect(sent.every(({ status, ends }) => status === Status.Ok && ends === 1)).toBe(true);
    expect(a.seen.length + b.seen.length).toBe(100);
    expect(a.late + b.late).toBe(0);
  });
});
