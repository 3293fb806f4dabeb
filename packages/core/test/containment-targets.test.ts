import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Bio, MapResult, PreResult, Status } from '../src/index.ts';
import type { TestDisk } from './support/disks.ts';
import { filterType, spanType, targetType } from './support/plugins.ts';
import { read, Rig } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;

function boom(): never {
  throw new Error('boom');
}

beforeEach(async () => {
  rig = new Rig(
    filterType('worse', '50', () => ({
      pre: () => PreResult.Watch,
      post: boom,
      limits: (below) => ({ ...below, ioMin: 8192 }),
    })),
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
