import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bio, EndResult, type Port, quiesce, type QuiesceOptions, Status, thaw } from '../src/index.ts';
import type { TestDisk } from './support/disks.ts';
import { filterType, spanType } from './support/plugins.ts';
import { DRAIN_TIMEOUT, read, Rig, type Sent, settle, write } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
let port: Port;
let options: QuiesceOptions;

beforeEach(async () => {
  rig = new Rig(
    filterType('pass', '100'),
    spanType('taking', () => ({ map: () => 0 })),
  );
  disk = rig.disks.add('a', 64);
  port = await rig.open('disk:a');
  options = { clock: rig.clock, timeout: DRAIN_TIMEOUT };
});

afterEach(() => rig.finish());

describe('a closed gate', () => {
  it('parks bios, and lets them go on in the order they came', async () => {
    const ends: number[] = [];
    await quiesce([port.device], options);
    expect(port.device.gate.closed).toBe(true);
    const sent = [5, 3, 9, 1].map((sector) => write(port, sector, 1, { ended: () => ends.push(sector) }));
    expect(sent.map(({ status }) => status)).toEqual([null, null, null, null]);
    expect(disk.seen).toEqual([]);
    thaw([port.device]);
    expect(disk.seen).toEqual(['write 5+1', 'write 3+1', 'write 9+1', 'write 1+1']);
    expect(ends).toEqual([5, 3, 9, 1]);
  });

  it('stays closed until it is opened as often as it was closed', async () => {
    await quiesce([port.device], options);
    await quiesce([port.device], options);
    const sent = read(port, 0);
    thaw([port.device]);
    expect(sent.status).toBeNull();
    thaw([port.device]);
    expect(sent.status).toBe(Status.Ok);
    expect(disk.calls).toEqual(['presuspend', 'resume']);
  });

  it('parks again what comes while it opens and closes', async () => {
    await quiesce([port.device], options);
    const { gate } = port.device;
    const first = read(port, 0, 1, {
      ended: () => {
        gate.close();
      },
    });
    const second = read(port, 1);
    thaw([port.device]);
    expect([first.status, second.status]).toEqual([Status.Ok, null]);
    gate.open();
    expect(second.status).toBe(Status.Ok);
  });
});

describe('draining', () => {
  it('waits for every bio inside, and for no bio that came later', async () => {
    disk.hold = true;
    const inside = [read(port, 0), read(port, 1)];
    let drained = false;
    const draining = quiesce([port.device], options).then(() => (drained = true));
    const later = read(port, 2);
    disk.serve(disk.held.shift()!);
    await settle();
    expect(drained).toBe(false);
    disk.release();
    await draining;
    expect(inside.map(({ status }) => status)).toEqual([Status.Ok, Status.Ok]);
    expect(later.status).toBeNull();
    thaw([port.device]);
    expect(later.status).toBe(Status.Ok);
  });

  it('waits for a bio that a frame kept', async () => {
    let kept: Bio | null = null;
    await rig.engine.attachFilter('a', 'pass');
    disk.onSubmit = (bio) => {
      bio.watch({
        endIo: (one) => {
          one.reopen();
          kept = one;
          return EndResult.Incomplete;
        },
      });
      bio.complete(Status.Ok);
      return 0;
    };
    const sent = read(port, 0);
    const detaching = rig.engine.detachFilter('a', 'pass');
    await settle();
    expect(port.device.stack.steps).toHaveLength(1);
    kept!.complete(Status.Ok);
    await detaching;
    expect(sent.status).toBe(Status.Ok);
  });

  it('gives up in time, says who has what, and opens again', async () => {
    disk.hold = true;
    const [first, flush] = [read(port, 3), write(port, 9, 2)];
    const attaching = rig.engine.attachFilter('disk:a', 'pass');
    await settle();
    const later = read(port, 5);
    rig.clock.advance(DRAIN_TIMEOUT - 1);
    await settle();
    expect(disk.seen).toHaveLength(2);
    rig.clock.advance(1);
    await expect(attaching).rejects.toMatchObject({
      code: 'ETIMEDOUT',
      message: `a did not drain in 1000 ms; stuck: read 3+1 held by driver on a; write 9+2 held by driver on a`,
    });
    expect(disk.seen).toEqual(['read 3+1', 'write 9+2', 'read 5+1']);
    disk.release();
    expect([first, flush, later].map(({ status }) => status)).toEqual([Status.Ok, Status.Ok, Status.Ok]);
    expect(port.device.stack.steps).toEqual([]);
  });

  it('is undone when a filter cannot prepare for it', async () => {
    let ready = false;
    rig.engine.registry.add(
      filterType('unready', '50', () => ({
        presuspend: () => {
          if (!ready) throw new Error('not now');
        },
      })),
    );
    await rig.engine.attachFilter('disk:a', 'unready');
    await expect(rig.engine.attachFilter('disk:a', 'pass')).rejects.toThrow('not now');
    expect(read(port, 0).status).toBe(Status.Ok);
    ready = true;
    await rig.engine.detachFilter('disk:a', 'unready');
  });

  it('names a target that sits on a bio of the mapped device', async () => {
    await rig.engine.create('m', { table: '0 64 taking disk:a 0' });
    const sent = read(await rig.open('m'), 3);
    const suspending = rig.engine.suspend('m');
    await settle();
    rig.clock.advance(DRAIN_TIMEOUT);
    await expect(suspending).rejects.toThrow('stuck: read 3+1 held by target taking, row 0+64 on m');
    expect((await rig.engine.info('m')).suspended).toBe(false);
    sent.bio.complete(Status.Ok);
  });

  it('of several devices goes from the top down, and undoes all when one fails', async () => {
    await rig.engine.create('m', { table: '0 64 span disk:a 0' });
    const m = await rig.open('m');
    disk.hold = true;
    const devices = [port.device, m.device];
    const sent = read(m, 0);
    const stuck = quiesce(devices, options);
    rig.clock.advance(DRAIN_TIMEOUT);
    await expect(stuck).rejects.toThrow('m did not drain');
    expect(devices.map(({ gate }) => gate.closings)).toEqual([0, 0]);
    const draining = quiesce(devices, options);
    disk.release();
    await draining;
    expect(sent.status).toBe(Status.Ok);
    const parked: Sent[] = [read(m, 1), read(port, 2)];
    thaw(devices);
    expect(parked.map(({ status }) => status)).toEqual([Status.Ok, Status.Ok]);
  });
});
