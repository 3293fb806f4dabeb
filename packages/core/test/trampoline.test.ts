import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deferToUnplug, plug, Status, unplug } from '../src/index.ts';
import { stampAt, stamped } from './support/disks.ts';
import { read, Rig, write } from './support/rig.ts';

describe('the queue of bios', () => {
  let rig: Rig;

  beforeEach(() => {
    rig = new Rig();
  });

  afterEach(() => rig.finish());

  it('keeps the stack flat, whatever a completion submits', async () => {
    rig.disks.add('a', 64);
    const port = await rig.open('disk:a');
    let left = 50_000;
    const again = (): void => {
      if (--left > 0) read(port, 0, 1, { ended: again });
    };
    read(port, 0, 1, { ended: again });
    expect(left).toBe(0);
  });

  it('goes through a stack of devices as deep as is allowed', async () => {
    rig.disks.add('a', 64).data.set(stamped('a', 0, 64));
    await rig.engine.create('m0', { table: '0 64 span disk:a 0' });
    for (let i = 1; i < 32; i++)
      await rig.engine.create(`m${String(i)}`, { table: `0 64 span m${String(i - 1)} 0` });
    const sent = read(await rig.open('m31'), 5);
    expect(sent.status).toBe(Status.Ok);
    expect(stampAt(sent.buffer)).toBe('a5');
  });

  it('sends bios in the order they were submitted', async () => {
    const disk = rig.disks.add('a', 64);
    await rig.engine.create('m', { table: '0 64 span disk:a 0' });
    const [m, a] = [await rig.open('m'), await rig.open('disk:a')];
    read(a, 0, 1, {
      ended: () => {
        write(m, 1);
        write(a, 2);
        read(m, 3);
      },
    });
    expect(disk.seen).toEqual(['read 0+1', 'write 1+1', 'write 2+1', 'read 3+1']);
  });
});

describe('a burst', () => {
  it('holds back who defers until the outermost end, and then calls each once', () => {
    const calls: string[] = [];
    const socket = { unplug: () => calls.push('socket') };
    const file = {
      unplug: () => {
        calls.push('file');
        if (calls.length === 2) expect(deferToUnplug(socket)).toBe(false);
      },
    };
    plug();
    plug();
    expect([deferToUnplug(socket), deferToUnplug(file)]).toEqual([true, true]);
    unplug();
    expect(calls).toEqual([]);
    unplug();
    expect(calls).toEqual(['socket', 'file']);
    plug();
    unplug();
    expect(calls).toEqual(['socket', 'file']);
  });

  it('of nobody is nothing to defer to', () => {
    expect(deferToUnplug({ unplug: () => expect.unreachable() })).toBe(false);
    unplug();
    expect(deferToUnplug({ unplug: () => expect.unreachable() })).toBe(false);
  });
});
