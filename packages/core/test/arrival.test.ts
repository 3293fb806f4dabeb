import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EndResult, fail, MapResult, PreResult, Status } from '../src/index.ts';
import { type TestDisk } from './support/disks.ts';
import { filterType, spanType, targetType } from './support/plugins.ts';
import { read, Rig, settle, write } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
let calls: string[];
let seen: string[];
let broken: boolean;

beforeEach(() => {
  calls = [];
  seen = [];
  broken = false;
  const made = (name: string, altitude: string) =>
    filterType(name, altitude, ({ port }) => {
      if (broken) throw fail('ENOSPC', 'no room');
      calls.push(`+${name} ${port.device.name}`);
      return {
        pre: (bio) => {
          seen.push(`${name} ${bio.toString()}`);
          return PreResult.Pass;
        },
        detach: () => void calls.push(`-${name} ${port.device.name}`),
      };
    });
  rig = new Rig(
    made('low', '100'),
    made('high', '300'),
    made('middle', '200'),
    filterType('stays', '400', () => ({ queryDetach: () => 'it has work to do' })),
    filterType('keeps', '500', () => ({
      pre: () => PreResult.Taken,
      detach: () => void calls.push('-keeps'),
    })),
    filterType('sore', '600', () => ({ detach: () => Promise.reject(new Error('it hurts')) })),
    filterType('cache', '700', () => ({}), {
      params: [{ name: 'device', kind: 'device', about: 'where to keep copies' }],
    }),
    spanType('looks', (port) => ({
      map: (bio) => {
        bio.watch({ endIo: () => (calls.push('endIo'), EndResult.Done) });
        bio.port = port;
        return MapResult.Remapped;
      },
      close: () => void calls.push('close'),
    })),
    targetType('holds', () => ({
      map: () => 0,
      presuspend: () => {
        throw new Error('not now');
      },
    })),
  );
  disk = rig.disks.add('a', 64);
  rig.disks.add('b', 64);
});

afterEach(() => rig.finish());

describe('rules', () => {
  it('are kept in order, and forgotten', async () => {
    const first = await rig.engine.addRule('*', 'low@7 ');
    const second = await rig.engine.addRule('a', 'high');
    expect([first, second]).toEqual([
      { id: 1, pattern: '*', filter: 'low@7 ' },
      { id: 2, pattern: 'a', filter: 'high' },
    ]);
    expect(await rig.engine.rules()).toEqual([first, second]);
    await rig.engine.removeRule(1);
    expect(await rig.engine.rules()).toEqual([second]);
    await expect(rig.engine.removeRule(1)).rejects.toMatchObject({
      code: 'ENOENT',
      message: 'there is no rule 1',
    });
  });

  it.each([
    ['', 'low', 'the pattern is empty'],
    ['*', 'what', 'unknown filter type "what"'],
    ['*', 'low@high', 'altitude "high" is not a decimal number'],
  ])('are refused: %s %s', async (pattern, filter, message) => {
    await expect(rig.engine.addRule(pattern, filter)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining(message),
    });
  });

  it('give new devices their filters, lowest first, before their first bio', async () => {
    for (const filter of ['middle', 'high', 'low']) await rig.engine.addRule('a', filter);
    const opening = [rig.open('disk:a'), rig.open('disk:a')];
    for (const port of await Promise.all(opening)) expect(read(port, 0).status).toBe(Status.Ok);
    expect(calls).toEqual(['+low a', '+middle a', '+high a']);
    const each = ['high read 0+1', 'middle read 0+1', 'low read 0+1'];
    expect(seen).toEqual([...each, ...each]);
  });

  it('take them away again, highest first, when the last user goes', async () => {
    for (const filter of ['low', 'high']) await rig.engine.addRule('?', filter);
    const port = await rig.engine.open('disk:a');
    port.close();
    await settle();
    expect(calls).toEqual(['+low a', '+high a', '-high a', '-low a']);
    expect([disk.isOpen, rig.engine.devices().length]).toEqual([false, 0]);
  });

  it('keep a device for a filter that somebody put there', async () => {
    await rig.engine.addRule('a', 'low');
    await rig.engine.attachFilter('disk:a', 'high');
    expect(disk.isOpen).toBe(true);
    await rig.engine.detachFilter('disk:a', 'high');
    expect(disk.isOpen).toBe(false);
  });

  it('keep a device whose filter will not go, and say so', async () => {
    await rig.engine.addRule('a', 'stays');
    const port = await rig.engine.open('disk:a');
    port.close();
    await settle();
    expect(rig.logs).toEqual(['a: stays@400 on a will not go: it has work to do']);
    expect(disk.isOpen).toBe(true);
    await rig.engine.detachFilter('disk:a', 'stays', { force: true });
    expect(disk.isOpen).toBe(false);
  });

  it('do not go for devices that are there, or of another name', async () => {
    const port = await rig.open('disk:a');
    await rig.engine.addRule('*', 'low');
    await rig.engine.addRule('a.', 'high');
    await rig.engine.addRule('(b', 'high');
    read(port, 0);
    expect(seen).toEqual([]);
    read(await rig.open('disk:b'), 0);
    expect(seen).toEqual(['low read 0+1']);
  });

  it('have an end where a filter opens a device of its own', async () => {
    await rig.engine.addRule('*', 'cache disk:b');
    await rig.open('disk:a');
    expect((await rig.engine.filters()).map(({ device }) => device)).toEqual(['a']);
  });

  it('keep all filters of a device when one of them will not go', async () => {
    await rig.engine.addRule('a', 'low');
    await rig.engine.addRule('a', 'keeps');
    await rig.engine.addRule('a', 'stays');
    (await rig.engine.open('disk:a')).close();
    await settle();
    expect((await rig.engine.filters()).map(({ type }) => type)).toEqual(['keeps', 'stays', 'low']);
    await rig.engine.detachFilter('disk:a', 'stays', { force: true });
  });

  it('and a detach by hand never take one filter twice', async () => {
    await rig.engine.addRule('a', 'low');
    await rig.engine.addRule('a', 'high');
    for (let steps = 0; steps < 12; steps++) {
      calls = [];
      const port = await rig.engine.open('disk:a');
      // Either the device is gone by then, or its filter is.
      const detached = rig.engine.detachFilter('disk:a', 'low').catch(() => undefined);
      for (let i = 0; i < steps; i++) await Promise.resolve();
      port.close();
      await detached;
      await settle();
      expect(calls.filter((call) => call.startsWith('-')).sort()).toEqual(['-high a', '-low a']);
      expect(rig.engine.devices()).toEqual([]);
    }
  });

  it('lead no device to itself, and no two that come at a time to one another', async () => {
    await rig.engine.addRule('b', 'cache disk:b');
    await expect(rig.engine.open('disk:b')).rejects.toMatchObject({
      code: 'ELOOP',
      message: expect.stringContaining('b would be stacked on itself'),
    });
    await rig.engine.removeRule(1);
    await rig.engine.addRule('a', 'cache disk:b');
    await rig.engine.addRule('b', 'cache disk:a');
    const opened = await Promise.allSettled([rig.engine.open('disk:a'), rig.engine.open('disk:b')]);
    expect(opened.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await settle();
    expect([rig.engine.devices(), disk.isOpen]).toEqual([[], false]);
  });

  it('go for a mapped device with its first table', async () => {
    await rig.engine.addRule('m', 'low');
    await rig.engine.create('m');
    expect(calls).toEqual([]);
    const port = await rig.open('m');
    await rig.engine.load('m', '0 64 span disk:a 0');
    const sent = read(port, 0);
    await rig.engine.resume('m');
    expect([calls, seen, sent.status]).toEqual([['+low m'], [], Status.Inval]);
    read(port, 1);
    expect(seen).toEqual(['low read 1+1']);
    await rig.engine.load('m', '0 32 span disk:a 0');
    await rig.engine.resume('m');
    expect(calls).toEqual(['+low m']);
    port.close();
    await rig.engine.remove('m');
    expect(calls).toEqual(['+low m', '-low m']);
  });

  it('let no bio pass a device that cannot get its filter', async () => {
    await rig.engine.addRule('*', 'low');
    broken = true;
    await expect(rig.engine.open('disk:a')).rejects.toMatchObject({ code: 'ENOSPC' });
    expect([disk.isOpen, rig.engine.devices().length]).toEqual([false, 0]);
    await rig.engine.create('bare');
    await expect(rig.engine.create('m', { table: '0 8 holds' })).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await rig.engine.list()).toHaveLength(1);
    broken = false;
    await rig.engine.load('bare', '0 64 span disk:a 0');
    broken = true;
    await expect(rig.engine.resume('bare')).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await rig.engine.info('bare')).toMatchObject({ suspended: true, live: true });
  });
});

describe('surprise removal', () => {
  it('fails what is pending and what comes, and takes the filters lowest first', async () => {
    const port = await rig.open('disk:a');
    for (const filter of ['high', 'low', 'stays']) await rig.engine.attachFilter('disk:a', filter);
    disk.hold = true;
    const below = write(port, 0);
    await rig.engine.attachFilter('disk:b', 'keeps');
    const held = read(await rig.open('disk:b'), 0);
    const yanked = rig.engine.yank('disk:a');
    await rig.engine.yank('disk:b');
    await yanked;
    expect(calls).toEqual(['+high a', '+low a', '-low a', '-high a', '-keeps']);
    expect([below.status, held.status]).toEqual([null, Status.NoDev]);
    expect(read(port, 0).status).toBe(Status.NoDev);
    disk.release();
    // What the driver had got it ends itself.
    expect(below.status).toBe(Status.Ok);
    await settle();
    expect(disk.isOpen).toBe(false);
    expect(rig.losses).toEqual(['a: it was yanked', 'b: it was yanked']);
  });

  it('makes way for another device of that name', async () => {
    await rig.open('disk:a');
    await rig.engine.yank('disk:a');
    expect(rig.engine.devices()).toHaveLength(0);
    await expect(rig.engine.yank('disk:a')).rejects.toMatchObject({ code: 'ENXIO' });
    expect(read(await rig.open('disk:a'), 0).status).toBe(Status.Ok);
  });

  it('of a closed device fails the bios that wait', async () => {
    await rig.engine.create('m', { table: '0 8 holds' });
    const port = await rig.open('m');
    await rig.engine.create('n', { table: '0 64 span disk:a 0' });
    await rig.engine.suspend('n');
    const waits = read(await rig.open('n'), 0);
    await rig.engine.attachFilter('n', 'sore');
    await rig.engine.yank('n');
    expect(waits.status).toBe(Status.NoDev);
    expect(rig.logs).toEqual(['n: it hurts']);
    const held = read(port, 0);
    await rig.engine.yank('m');
    expect(held.status).toBe(Status.NoDev);
    expect(rig.logs).toEqual(['n: it hurts', 'm: not now']);
    expect(await rig.engine.list()).toEqual([]);
    expect(disk.isOpen).toBe(false);
  });

  it('comes from the driver too', async () => {
    const port = await rig.open('disk:a');
    await rig.engine.attachFilter('disk:a', 'low');
    disk.lose('the cable is out');
    disk.lose('still out');
    expect(read(port, 0).status).toBe(Status.NoDev);
    await rig.engine.rules();
    await settle();
    expect(calls).toEqual(['+low a', '-low a']);
    expect(rig.losses).toEqual(['a: the cable is out']);
  });

  it('may come twice', async () => {
    let closes = 0;
    await rig.open('disk:a');
    disk.close = async () => {
      closes++;
    };
    const yanked = rig.engine.yank('disk:a');
    disk.lose('the cable is out');
    await yanked;
    await rig.engine.rules();
    await settle();
    expect(closes).toBe(1);
  });

  it('may come before the device is there', async () => {
    await rig.engine.addRule('a', 'low');
    disk.lostAtOpen = 'it never was';
    await expect(rig.open('disk:a')).rejects.toMatchObject({
      code: 'ENODEV',
      message: 'a is gone: it never was',
    });
    expect([calls, rig.losses, disk.isOpen]).toEqual([['+low a', '-low a'], [], false]);
  });

  it('asks no filter, though it may come before the device is there', async () => {
    await rig.engine.addRule('a', 'stays');
    disk.lostAtOpen = 'it never was';
    await expect(rig.open('disk:a')).rejects.toMatchObject({ code: 'ENODEV' });
    expect(disk.isOpen).toBe(false);
  });

  it('closes a target when the bios it looks at are back', async () => {
    await rig.engine.create('m', { table: '0 64 looks disk:a 0' });
    const port = await rig.open('m');
    disk.hold = true;
    const sent = read(port, 0);
    await rig.engine.yank('m');
    expect(read(port, 0).status).toBe(Status.NoDev);
    disk.release();
    await settle();
    expect([sent.status, sent.ends]).toEqual([Status.Ok, 1]);
    expect(calls).toEqual(['endIo', 'close']);
  });

  it('leaves a fault to be told, but not to be mended', async () => {
    const port = await rig.open('disk:a');
    await rig.engine.attachFilter('disk:a', 'low');
    await rig.engine.yank('disk:a');
    port.device.recover();
    expect(read(port, 0).status).toBe(Status.NoDev);
  });
});
