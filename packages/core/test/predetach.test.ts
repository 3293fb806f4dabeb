import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fail, type FilterContext, SECTOR_SIZE, Status } from '../src/index.ts';
import { stamped, type TestDisk } from './support/disks.ts';
import { filterType } from './support/plugins.ts';
import { DRAIN_TIMEOUT, read, Rig, settle } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
let calls: string[];
/** What the filters `low` and `high` do on their way out. */
let parting: (name: string, context: FilterContext) => Promise<void>;

/** A filter that writes down its last moments. */
const leaver = (name: string, altitude: string) =>
  filterType(name, altitude, (context) => ({
    predetach: () => {
      calls.push(`${name} predetach`);
      return parting(name, context);
    },
    resume: () => void calls.push(`${name} resume`),
    detach: () => void calls.push(`${name} detach`),
  }));

beforeEach(async () => {
  calls = [];
  parting = () => Promise.resolve();
  rig = new Rig(leaver('low', '100'), leaver('high', '200'));
  disk = rig.disks.add('a', 64);
  disk.data.set(stamped('a', 0, 64));
});

afterEach(() => rig.finish());

async function attachBoth(): Promise<void> {
  await rig.engine.attachFilter('disk:a', 'low');
  await rig.engine.attachFilter('disk:a', 'high');
  calls.length = 0;
}

const stack = async (): Promise<string[]> => (await rig.engine.filters()).map(({ type }) => type);

describe('predetach', () => {
  it('comes when no bio is inside, and may write to the device; what waits at the gate comes after it', async () => {
    const port = await rig.open('disk:a');
    await rig.engine.attachFilter('disk:a', 'low');
    calls.length = 0;
    disk.hold = true;
    read(port, 0);
    const seen: number[] = [];
    parting = async (_name, { port: below }) => {
      seen.push(disk.held.length);
      disk.hold = false;
      await below.write(1, new Uint8Array(SECTOR_SIZE).fill(9));
    };
    const edit = rig.engine.detachFilter('disk:a', 'low');
    await settle();
    expect(calls).toEqual([]);
    const late = read(port, 1);
    disk.release();
    await edit;
    expect(seen).toEqual([0]);
    expect(late.status).toBe(Status.Ok);
    expect(late.buffer[0]).toBe(9);
    expect(calls).toEqual(['low predetach', 'low detach']);
  });

  it('that rejects is the error of the edit: nothing has changed', async () => {
    await attachBoth();
    const port = await rig.open('disk:a');
    parting = (name) =>
      name === 'low' ? Promise.reject(fail('ENOSPC', 'no room below')) : Promise.resolve();
    const edit = rig.engine.transaction([
      { kind: 'detach', device: 'disk:a', filter: 'low' },
      { kind: 'detach', device: 'disk:a', filter: 'high' },
    ]);
    await expect(edit).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await stack()).toEqual(['high', 'low']);
    expect(calls).toEqual(['high predetach', 'low predetach', 'high resume', 'low resume']);
    expect(read(port, 0).status).toBe(Status.Ok);
    parting = () => Promise.resolve();
  });

  it('has as long as an edit waits', async () => {
    await attachBoth();
    parting = () => new Promise(() => undefined);
    const edit = rig.engine.detachFilter('disk:a', 'low');
    const failed = expect(edit).rejects.toMatchObject({
      code: 'ETIMEDOUT',
      message: `filter low@100 on a did not let go in ${String(DRAIN_TIMEOUT)} ms`,
    });
    await settle();
    rig.clock.advance(DRAIN_TIMEOUT);
    await failed;
    expect(await stack()).toEqual(['high', 'low']);
    parting = () => Promise.resolve();
  });

  it('goes from the highest to the lowest, also when a device is removed', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0' });
    await rig.engine.attachFilter('m', 'low');
    await rig.engine.attachFilter('m', 'high');
    await rig.engine.remove('m');
    expect(calls.filter((call) => call.endsWith('predetach'))).toEqual(['high predetach', 'low predetach']);
  });

  it('is not asked of what is forced out, or whose device vanished', async () => {
    await attachBoth();
    await rig.engine.detachFilter('disk:a', 'high', { force: true });
    await rig.engine.yank('disk:a');
    expect(calls.filter((call) => call.endsWith('predetach'))).toEqual([]);
  });
});
