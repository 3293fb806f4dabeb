import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Bio, BioOp, type BlockDevice, EndResult, type Filter, MapResult, type Port, PreResult, Status } from '../src/index.ts';
import type { TestDisk } from './support/disks.ts';
import { filterType, spanType, targetType } from './support/plugins.ts';
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
    targetType('throws', () => ({ map: boom })),
    spanType('frame', (port) => ({
      map: (bio) => {
        bio.watch({ endIo: boom });
        bio.port = port;
        return MapResult.Remapped;
      },
    })),
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

describe('a target that throws', () => {
  it('in map: its device is fenced, those below and beside are not, and another table is a cure', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0\n8 56 throws' });
    const port = await rig.open('m');
    expect(read(port, 4, 8)).toMatchObject({ status: Status.Io, ends: 1 });
    expect(rig.faults).toEqual(['target throws, row 8+56 on m: boom']);
    expect(read(port, 0).status).toBe(Status.Io);
    expect((await rig.engine.info('m')).fault).toBe('target throws, row 8+56: boom');
    expect(read(await rig.open('disk:a'), 0).status).toBe(Status.Ok);
    await rig.engine.load('m', '0 64 span disk:a 0');
    await rig.engine.resume('m');
    expect(read(port, 20).status).toBe(Status.Ok);
    expect(await rig.engine.info('m')).not.toHaveProperty('fault');
  });

  it('is not called again for other pieces of the same bio', async () => {
    await rig.engine.create('m', { table: '0 64 throws' });
    const bios: Bio[] = [];
    disk.onSubmit = (bio) => {
      bios.push(bio);
      return 0;
    };
    await rig.engine.create('top', { table: '0 8 span m 0\n8 8 span m 8\n16 8 span m 16' });
    expect(read(await rig.open('top'), 0, 24)).toMatchObject({ status: Status.Io, ends: 1 });
    expect(rig.faults).toHaveLength(1);
  });

  it('on one of many pieces is not called for the others', async () => {
    let maps = 0;
    const type = targetType('pieces', () => ({
      maxIo: 8,
      map: () => {
        maps++;
        boom();
      },
    }));
    rig.engine.registry.add(type);
    await rig.engine.create('m', { table: '0 64 pieces' });
    expect(read(await rig.open('m'), 0, 64)).toMatchObject({ status: Status.Io, ends: 1 });
    expect([maps, rig.faults]).toEqual([1, ['target pieces, row 0+64 on m: boom']]);
  });

  it('when it has sent the bio to another device already', async () => {
    rig.engine.registry.add(
      spanType('sends', (port) => ({
        map: (bio) => {
          port.forward(bio);
          boom();
        },
      })),
    );
    await rig.engine.create('m', { table: '0 64 sends disk:a 0' });
    expect(read(await rig.open('m'), 0)).toMatchObject({ status: Status.Io, ends: 1 });
    expect(disk.seen).toEqual([]);
    expect(rig.device('a').gate.inflight).toBe(0);
    expect(rig.faults).toEqual(['target sends, row 0+64 on m: boom']);
  });

  it('in endIo', async () => {
    await rig.engine.create('m', { table: '0 64 frame disk:a 0' });
    expect(read(await rig.open('m'), 4, 8)).toMatchObject({ status: Status.Io, ends: 1 });
    expect(rig.faults).toEqual(['a target of m on m: boom']);
    expect(rig.device('a').fault).toBeNull();
  });

  it('in endIo of a piece', async () => {
    await rig.engine.create('m', { table: '0 8 frame disk:a 0\n8 8 span disk:a 8' });
    expect(read(await rig.open('m'), 4, 8)).toMatchObject({ status: Status.Io, ends: 1 });
    expect(rig.faults).toEqual(['a target of m on m: boom']);
  });

  it('in resume: the device is fenced, not closed for ever', async () => {
    rig.engine.registry.add(targetType('limp', () => ({ resume: boom })));
    await rig.engine.create('m', { table: '0 64 limp' });
    expect(read(await rig.open('m'), 0).status).toBe(Status.Io);
    expect(rig.faults).toEqual(['driver on m: boom']);
  });

  it('in limits after an edit below harms nobody else', async () => {
    let throws = false;
    rig.engine.registry.add(spanType('picky', () => ({ limits: (stacked) => (throws ? boom() : stacked) })));
    await rig.engine.create('m', { table: '0 64 picky disk:a 0' });
    throws = true;
    await rig.engine.attachFilter('disk:a', 'worse');
    expect(rig.faults).toEqual(['table on a: boom']);
    await rig.engine.detachFilter('disk:a', 'worse');
    expect(read(await rig.open('disk:a'), 0).status).toBe(Status.Ok);
    throws = false;
  });
});

describe('a driver that throws', () => {
  it('fences its device; what it holds ends by itself, for I/O may go on in its buffers', async () => {
    const port = await rig.open('disk:a');
    disk.hold = true;
    const held = read(port, 0);
    disk.onSubmit = boom;
    expect(read(port, 1)).toMatchObject({ status: Status.Io, ends: 1 });
    expect(rig.faults).toEqual(['driver on a: boom']);
    expect(held.status).toBeNull();
    disk.release();
    expect(held.status).toBe(Status.Ok);
    expect(read(port, 2).status).toBe(Status.Io);
  });
});

describe('a submitter that throws in end', () => {
  it('is reported, and does no harm', async () => {
    const port = await rig.open('disk:a');
    read(port, 0, 1, { ended: boom });
    expect(rig.faults).toEqual(['submitter on a: boom']);
    expect(read(port, 0).status).toBe(Status.Ok);
  });

  it('before any device had the bio throws where nothing can hold it up', async () => {
    const tasks: (() => void)[] = [];
    vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => tasks.push(task));
    const port = await rig.open('disk:a');
    port.close();
    expect(read(port, 0, 1, { ended: boom }).status).toBe(Status.NoDev);
    vi.restoreAllMocks();
    expect(tasks).toHaveLength(1);
    expect(tasks[0]).toThrow('boom');
  });
});

describe('a bio completed twice', () => {
  it('is reported, ends once, and does not touch the next user of the object', async () => {
    const port = await rig.open('disk:a');
    const seen: Bio[] = [];
    disk.onSubmit = (bio) => {
      seen.push(bio);
      bio.complete(Status.Ok);
      bio.complete(Status.Io);
      return MapResult.Submitted;
    };
    const sent = read(port, 3);
    expect(sent).toMatchObject({ status: Status.Ok, ends: 1 });
    expect(rig.faults).toHaveLength(1);
    expect(rig.faults[0]).toContain('driver on a: driver completed a bio that was complete already');
    expect(port.device.fault).toBeNull();
    disk.onSubmit = null;
    expect(read(port, 0).status).toBe(Status.Ok);
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
