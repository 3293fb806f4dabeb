import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  asyncFilter,
  type AsyncFilterSpec,
  type Bio,
  BioOp,
  fail,
  opSet,
  type Port,
  Status,
} from '../src/index.ts';
import { stampAt, stamped, type TestDisk } from './support/disks.ts';
import { witness } from './support/plugins.ts';
import { DRAIN_TIMEOUT, read, Rig, send, settle } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
let log: string[];

beforeEach(() => {
  log = [];
  rig = new Rig(witness('above', '200', log), witness('under', '50', log));
  disk = rig.disks.add('a', 64);
  disk.data.set(stamped('a', 0, 64));
});

afterEach(() => rig.finish());

async function attached(
  handle: AsyncFilterSpec['handle'],
  spec: Partial<AsyncFilterSpec> = {},
): Promise<Port> {
  rig.engine.registry.add(asyncFilter({ name: 'slow', altitude: '100', handle, ...spec }));
  for (const name of ['above', 'slow', 'under']) await rig.engine.attachFilter('disk:a', name);
  return rig.open('disk:a');
}

describe('an async filter', () => {
  it('sends bios on below itself and changes data on their way back', async () => {
    const port = await attached(async (bio, next) => {
      log.push('down');
      await next();
      log.push('up');
      bio.buffer[bio.bufferOffset] = 'z'.charCodeAt(0);
    });
    const sent = read(port, 5);
    await settle();
    expect(sent).toMatchObject({ status: Status.Ok, ends: 1 });
    expect(stampAt(sent.buffer)).toBe('z5');
    expect(log).toEqual(['above>read 5+1', 'down', 'under>read 5+1', '<under', 'up', '<above']);
    expect((await rig.engine.filters('disk:a'))[1]).toMatchObject({ type: 'slow', args: '' });
  });

  it('may answer by itself', async () => {
    const port = await attached(async () => undefined);
    const sent = read(port, 5);
    await settle();
    expect([sent.status, disk.seen]).toEqual([Status.Ok, []]);
  });

  it('fails a bio with the status of what it throws', async () => {
    const errors = [fail('ENOSPC', 'full'), new Error('odd')];
    const port = await attached(async () => {
      throw errors.shift()!;
    });
    const sent = [read(port, 0), read(port, 1)];
    await settle();
    expect(sent.map(({ status }) => status)).toEqual([Status.NoSpc, Status.Io]);
  });

  it('learns of a failure below, and may make good for it', async () => {
    disk.status = Status.NoData;
    const seen: unknown[] = [];
    const port = await attached(async (bio, next) => {
      await next().catch((error: unknown) => {
        seen.push((error as { code: string }).code);
        if (bio.sector === 1) throw error;
      });
    });
    const sent = [read(port, 0), read(port, 1)];
    await settle();
    expect(sent.map(({ status }) => status)).toEqual([Status.Ok, Status.NoData]);
    expect(seen).toEqual(['ENODATA', 'ENODATA']);
  });

  it('may call next but once', async () => {
    const port = await attached(async (_bio, next) => {
      await next();
      await next();
    });
    const sent = read(port, 0);
    await settle();
    expect(sent).toMatchObject({ status: Status.Io, ends: 1 });
    expect(disk.seen).toEqual(['read 0+1']);
  });

  it('takes all operations, or those it names, and lets by what may pass', async () => {
    const port = await attached((_bio, next) => next(), { passes: opSet(BioOp.Flush), version: [2, 0, 0] });
    const sent = Object.values(BioOp).map((op) => send(port, op, 0, op === BioOp.Flush ? 0 : 1));
    await settle();
    expect(sent.map(({ status }) => status)).toEqual(Array(5).fill(Status.Ok));
    expect(rig.engine.registry.filter('slow')).toMatchObject({
      version: [2, 0, 0],
      ops: 0b11011,
      passes: 0b100,
    });
    expect(
      asyncFilter({ name: 'x', altitude: '1', ops: opSet(BioOp.Read), handle: async () => undefined }),
    ).toMatchObject({
      ops: 1,
      passes: 0,
      version: [1, 0, 0],
    });
  });

  it('that never comes back is taken out by force; what it does later has no effect', async () => {
    let goOn = (): void => expect.unreachable();
    let handled: Bio | null = null;
    const port = await attached(async (bio, next) => {
      handled = bio;
      await new Promise<void>((resolve) => (goOn = resolve));
      await next();
    });
    const sent = read(port, 0);
    const detaching = rig.engine.detachFilter('disk:a', 'slow');
    await settle();
    rig.clock.advance(DRAIN_TIMEOUT);
    await expect(detaching).rejects.toThrow('read 0+1 held by filter slow@100 on a');
    await rig.engine.detachFilter('disk:a', 'slow', { force: true });
    expect(sent).toMatchObject({ status: Status.Io, ends: 1 });
    expect(handled).toBe(sent.bio);
    goOn();
    await settle();
    expect(disk.seen).toEqual([]);
    expect(sent.ends).toBe(1);
  });
});
