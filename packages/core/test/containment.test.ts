import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Bio,
  BioOp,
  type BlockDevice,
  EndResult,
  type Filter,
  type Port,
  PreResult,
  Status,
} from '../src/index.ts';
import type { TestDisk } from './support/disks.ts';
import { filterType } from './support/plugins.ts';
import { DRAIN_TIMEOUT, read, Rig, send, settle, write } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
/** What the filter `bad` does. */
let bad: Partial<Filter>;
let own: Port;

function boom(): never {
  throw new Error('boom');
}

beforeEach(async () => {
  bad = {};
  rig = new Rig(
    filterType('bad', '100', ({ port }) => {
      own = port;
      return bad;
    }),
    filterType('worse', '50', () => ({ pre: () => PreResult.Watch, post: boom })),
    filterType('pass', '10'),
  );
  disk = rig.disks.add('a', 64);
  await rig.open('disk:a');
});

afterEach(() => rig.finish());

async function withBad(filter: Partial<Filter>): Promise<Port> {
  bad = filter;
  await rig.engine.attachFilter('disk:a', 'bad');
  return rig.open('disk:a');
}

/** The device is fenced, has told it once, and serves again when the culprit is out. */
async function expectFenced(port: Port, fault: string, detach: string): Promise<void> {
  expect(rig.faults).toEqual([fault]);
  expect(port.device.fault?.culprit).toBe(fault.split(' on ')[0]);
  expect(read(port, 1)).toMatchObject({ status: Status.Io, ends: 1 });
  await rig.engine.detachFilter('disk:a', detach, { force: true });
  expect(port.device.fault).toBeNull();
  expect(read(port, 1).status).toBe(Status.Ok);
}

describe('a filter that throws', () => {
  it('in pre: its bio fails, its device is fenced, others go on, and force takes it out', async () => {
    rig.disks.add('b', 64);
    const port = await withBad({ pre: boom });
    expect(write(port, 0)).toMatchObject({ status: Status.Io, ends: 1 });
    expect(read(await rig.open('disk:b'), 0).status).toBe(Status.Ok);
    expect(disk.seen).toEqual([]);
    await expectFenced(port, 'filter bad@100 on a: boom', 'bad');
  });

  it('in post', async () => {
    const port = await withBad({ pre: () => PreResult.Watch, post: boom });
    expect(read(port, 0)).toMatchObject({ status: Status.Io, ends: 1 });
    await expectFenced(port, 'filter bad@100 on a: boom', 'bad');
  });

  it('fails the bios it has taken, and what it does with them afterwards is without effect', async () => {
    const taken: Bio[] = [];
    const port = await withBad({
      pre: (bio) => {
        if (bio.op === BioOp.Write) boom();
        taken.push(bio);
        return PreResult.Taken;
      },
    });
    const sent = [read(port, 0), read(port, 1)];
    write(port, 2);
    expect(sent.map(({ status, ends }) => [status, ends])).toEqual([
      [Status.Io, 1],
      [Status.Io, 1],
    ]);
    taken[0]!.complete(Status.Ok);
    own.forward(taken[1]!);
    expect(sent.map(({ ends }) => ends)).toEqual([1, 1]);
    expect(disk.seen).toEqual([]);
    expect(port.device.gate.inflight).toBe(0);
    await expectFenced(port, 'filter bad@100 on a: boom', 'bad');
  });

  it('when it has sent the bio on already', async () => {
    const port = await withBad({
      pre: (bio) => {
        own.forward(bio);
        boom();
      },
    });
    expect(read(port, 0)).toMatchObject({ status: Status.Io, ends: 1 });
    expect(port.device.gate.inflight).toBe(0);
    expect(disk.seen).toEqual([]);
    await expectFenced(port, 'filter bad@100 on a: boom', 'bad');
  });

  it('when it has completed the bio already', async () => {
    const port = await withBad({
      pre: (bio) => {
        bio.complete(Status.NoSpc);
        boom();
      },
    });
    expect(read(port, 0)).toMatchObject({ status: Status.NoSpc, ends: 1 });
    await expectFenced(port, 'filter bad@100 on a: boom', 'bad');
  });

  it('does not show data above that its post never saw', async () => {
    const port = await withBad({
      pre: (bio) => (bio.op === BioOp.Write ? boom() : PreResult.Watch),
      post: () => EndResult.Done,
    });
    disk.hold = true;
    disk.data.fill(0xcc);
    const sent = read(port, 0);
    write(port, 0);
    disk.release();
    expect(sent).toMatchObject({ status: Status.Io, ends: 1 });
    expect(sent.buffer.every((byte) => byte === 0)).toBe(true);
    await expectFenced(port, 'filter bad@100 on a: boom', 'bad');
  });

  it('in resume: the gate opens all the same, on a fenced device', async () => {
    const port = await withBad({ resume: boom });
    await expectFenced(port, 'filter bad@100 on a: boom', 'bad');
  });

  it('in limits: it is not attached', async () => {
    bad = { limits: boom };
    await expect(rig.engine.attachFilter('disk:a', 'bad')).rejects.toThrow('boom');
    expect(await rig.engine.filters('disk:a')).toEqual([]);
    expect(read(await rig.open('disk:a'), 0).status).toBe(Status.Ok);
  });

  it('in limits after an edit below: fenced, and the edit is done', async () => {
    let throws = false;
    const port = await withBad({ limits: (below) => (throws ? boom() : below) });
    throws = true;
    await rig.engine.attachFilter('disk:a', 'pass');
    await expectFenced(port, 'filter bad@100 on a: boom', 'bad');
  });

  it('leaves the device fenced while another one that threw is in the stack', async () => {
    const port = await withBad({ pre: () => PreResult.Watch, post: boom });
    await rig.engine.attachFilter('disk:a', 'worse');
    disk.hold = true;
    const sent = [read(port, 0), read(port, 1)];
    disk.release();
    expect(sent.map(({ status }) => status)).toEqual([Status.Io, Status.Io]);
    await rig.engine.detachFilter('disk:a', 'worse', { force: true });
    expect(port.device.fault?.culprit).toBe('filter bad@100');
    await rig.engine.detachFilter('disk:a', 'bad', { force: true });
    expect(port.device.fault).toBeNull();
  });
});

describe('bios that wait at the gate of a device that is fenced', () => {
  it('fail, in the order they came', async () => {
    const ends: number[] = [];
    let taken: Bio | null = null;
    const port = await withBad({
      pre: (bio) => {
        taken = bio;
        return PreResult.Taken;
      },
      presuspend: () => {
        taken!.watch({ endIo: boom });
        own.forward(taken!);
      },
    });
    disk.hold = true;
    const inside = read(port, 0);
    const attaching = rig.engine.attachFilter('disk:a', 'worse');
    await settle();
    const waiting = [3, 2, 1].map((sector) => read(port, sector, 1, { ended: () => ends.push(sector) }));
    disk.release();
    await attaching;
    expect(inside.status).toBe(Status.Io);
    expect(waiting.map(({ status }) => status)).toEqual([Status.Io, Status.Io, Status.Io]);
    expect(ends).toEqual([3, 2, 1]);
  });
});

describe('a filter that loses bios', () => {
  it('is taken out by force: they fail, and no trace stays', async () => {
    let device: BlockDevice | null = null;
    const port = await withBad({
      pre: (bio) => {
        device = bio.origin;
        return PreResult.Taken;
      },
    });
    const sent = send(port, BioOp.Flush, 0, 0);
    expect(device).toBe(port.device);
    const detaching = rig.engine.detachFilter('disk:a', 'bad');
    await settle();
    rig.clock.advance(DRAIN_TIMEOUT);
    await expect(detaching).rejects.toThrow('flush 0+0 held by filter bad@100 on a');
    await rig.engine.detachFilter('disk:a', 'bad', { force: true });
    expect(sent).toMatchObject({ status: Status.Io, ends: 1 });
    expect(read(port, 0).status).toBe(Status.Ok);
  });
});
