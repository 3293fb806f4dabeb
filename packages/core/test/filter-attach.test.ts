import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bio, fail, type Filter, type Port, PreResult, Status } from '../src/index.ts';
import { stampAt, stamped, type TestDisk } from './support/disks.ts';
import { type Args, filterType } from './support/plugins.ts';
import { DRAIN_TIMEOUT, read, Rig, type Sent, settle, write } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
let calls: string[];
let extra: Partial<Filter>;

beforeEach(() => {
  calls = [];
  extra = {};
  rig = new Rig(
    filterType('pass', '100', () => ({
      presuspend: () => void calls.push('presuspend'),
      resume: () => void calls.push('resume'),
      detach: () => void calls.push('detach'),
      ...extra,
    })),
    filterType('other', '200'),
    filterType(
      'copy',
      '300',
      (_context, args: Args) => {
        if (args.count === 9) throw fail('ENOSPC', 'nine is too many');
        return { table: () => `${(args.to as Port).device.name} ${String(args.count)}` };
      },
      {
        params: [
          { name: 'to', kind: 'device', about: 'where to' },
          { name: 'count', kind: 'uint', about: 'how many' },
        ],
      },
    ),
  );
  disk = rig.disks.add('a', 1024);
  disk.data.set(stamped('a', 0, 1024));
});

afterEach(() => rig.finish());

describe('attach and detach', () => {
  it('never lose a bio that is under way, before, at or after the edit', async () => {
    const port = await rig.open('disk:a');
    const sent: Sent[] = [];
    for (let round = 0; round < 20; round++) {
      disk.hold = true;
      for (let i = 0; i < 4; i++) sent.push(read(port, round * 8 + i));
      const edit =
        round % 2 === 0
          ? rig.engine.attachFilter('disk:a', 'pass')
          : rig.engine.detachFilter('disk:a', 'pass');
      await settle();
      for (let i = 4; i < 8; i++) sent.push(read(port, round * 8 + i));
      expect(disk.held).toHaveLength(4);
      disk.release();
      await edit;
    }
    expect(
      sent.map(({ status, ends, buffer }) => `${String(status)} ${String(ends)} ${stampAt(buffer)}`),
    ).toEqual(Array.from({ length: 160 }, (_, i) => `0 1 a${String(i)}`));
    expect(port.device.openCount).toBe(1);
  });

  it('tell the filters to let go of what they hold back before the drain', async () => {
    const kept: [Port, Bio][] = [];
    rig.engine.registry.add(
      filterType('delay', '50', ({ port }) => ({
        pre: (bio: Bio) => {
          kept.push([port, bio]);
          return PreResult.Taken;
        },
        presuspend: () => {
          for (const [own, bio] of kept.splice(0)) own.forward(bio);
        },
      })),
    );
    await rig.engine.attachFilter('disk:a', 'delay');
    const sent = write(await rig.open('disk:a'), 0);
    expect(sent.status).toBeNull();
    await rig.engine.attachFilter('disk:a', 'pass');
    expect(sent.status).toBe(Status.Ok);
    expect(calls).toEqual(['resume']);
    await rig.engine.detachFilter('disk:a', 'pass');
    expect(calls).toEqual(['resume', 'presuspend', 'detach']);
  });

  it('work on a suspended device, which stays suspended', async () => {
    await rig.engine.create('m', { table: '0 64 span disk:a 0' });
    const port = await rig.open('m');
    await rig.engine.suspend('m');
    const sent = read(port, 0);
    await rig.engine.attachFilter('m', 'pass');
    expect([calls, sent.status]).toEqual([[], null]);
    await rig.engine.resume('m');
    expect([calls, sent.status]).toEqual([['resume'], Status.Ok]);
    await rig.engine.suspend('m');
    await rig.engine.detachFilter('m', 'pass');
    await rig.engine.resume('m');
    expect(calls).toEqual(['resume', 'presuspend', 'detach']);
  });

  it('work on a read-only device', async () => {
    rig.disks.add('ro', 64, { readOnly: true });
    await rig.engine.attachFilter('disk:ro', 'pass');
    const port = await rig.open('disk:ro', { mode: 'read' });
    expect(read(port, 0).status).toBe(Status.Ok);
  });

  it('report a driver that cannot be opened at all', async () => {
    await expect(rig.engine.attachFilter('disk:none', 'pass')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('what attaching acquires', () => {
  it('is there before the gate closes, and given back when the drain takes too long', async () => {
    const b = rig.disks.add('b', 64);
    const port = await rig.open('disk:a');
    disk.hold = true;
    const sent = read(port, 0);
    extra = {};
    const attaching = rig.engine.attachFilter('disk:a', 'copy disk:b 3');
    await settle();
    expect(b.isOpen).toBe(true);
    rig.clock.advance(DRAIN_TIMEOUT);
    await expect(attaching).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await settle();
    expect(b.isOpen).toBe(false);
    disk.release();
    expect(sent.status).toBe(Status.Ok);
    expect(port.device.ports.size).toBe(1);
  });

  it('is given back when the filter itself refuses, or its words are wrong', async () => {
    const b = rig.disks.add('b', 64);
    const port = await rig.open('disk:a');
    await expect(rig.engine.attachFilter('disk:a', 'copy disk:b 9')).rejects.toMatchObject({
      code: 'ENOSPC',
    });
    await expect(rig.engine.attachFilter('disk:a', 'copy disk:b')).rejects.toThrow(
      'filter copy: not enough arguments',
    );
    await settle();
    expect([b.isOpen, port.device.ports.size]).toEqual([false, 1]);
  });

  it('is all given back at detach, and the spec would attach it again', async () => {
    const b = rig.disks.add('b', 64);
    await rig.engine.attachFilter('disk:a', 'copy@7.50 disk:b 3');
    expect(rig.device('a').stack.steps[0]?.spec).toBe('copy@7.5 b 3');
    await rig.engine.detachFilter('disk:a', '7.5');
    expect([b.isOpen, disk.isOpen]).toEqual([false, false]);
  });

  it('is closed even if the filter cannot let go in peace', async () => {
    extra = {
      detach: () => {
        throw new Error('no peace');
      },
    };
    await rig.engine.attachFilter('disk:a', 'pass');
    await expect(rig.engine.detachFilter('disk:a', 'pass')).rejects.toThrow('no peace');
    await settle();
    expect(disk.isOpen).toBe(false);
  });
});

describe('naming a filter', () => {
  it('is by type, by altitude or both; several of a type need the altitude', async () => {
    await rig.open('disk:a');
    await rig.engine.attachFilter('disk:a', 'pass');
    await rig.engine.attachFilter('disk:a', 'pass@50');
    await rig.engine.attachFilter('disk:a', 'other');
    await expect(rig.engine.detachFilter('disk:a', 'pass')).rejects.toMatchObject({
      code: 'EINVAL',
      message: 'a has several filters pass: name the altitude, one of 100, 50',
    });
    await rig.engine.detachFilter('disk:a', 'pass@050.0');
    await rig.engine.detachFilter('disk:a', '200');
    expect((await rig.engine.filters('disk:a')).map(({ altitude }) => altitude)).toEqual(['100']);
    for (const which of ['other', '50', 'pass@7'])
      await expect(rig.engine.detachFilter('disk:a', which)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('that is not registered, or at no altitude, is EINVAL', async () => {
    await expect(rig.engine.attachFilter('disk:a', 'nosuch x')).rejects.toThrow(
      'unknown filter type "nosuch"',
    );
    await expect(rig.engine.attachFilter('disk:a', '')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(rig.engine.attachFilter('disk:a', 'pass@high')).rejects.toMatchObject({ code: 'EINVAL' });
  });
});

describe('a veto', () => {
  it('stops an orderly detach, not a forced one', async () => {
    extra = { queryDetach: () => 'a backup runs' };
    await rig.engine.attachFilter('disk:a', 'pass');
    await expect(rig.engine.detachFilter('disk:a', 'pass')).rejects.toMatchObject({
      code: 'EBUSY',
      message: 'pass@100 on a will not go: a backup runs',
    });
    await rig.engine.detachFilter('disk:a', 'pass', { force: true });
    expect(disk.isOpen).toBe(false);
    extra = { queryDetach: () => undefined };
    await rig.engine.attachFilter('disk:a', 'pass');
    await rig.engine.detachFilter('disk:a', 'pass');
  });
});
