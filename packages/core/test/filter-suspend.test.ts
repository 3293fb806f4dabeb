import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fail, Status } from '../src/index.ts';
import { filterType } from './support/plugins.ts';
import { read, Rig, settle } from './support/rig.ts';

let rig: Rig;
let seen: string[];
let refusal: Error | null;

beforeEach(async () => {
  seen = [];
  refusal = null;
  const told = (name: string, altitude: string): ReturnType<typeof filterType> =>
    filterType(name, altitude, () => ({
      postsuspend: async () => {
        await Promise.resolve();
        seen.push(`${name} rests`);
      },
      preresume: () => {
        seen.push(`${name} is asked`);
        if (refusal !== null) throw refusal;
      },
      resume: () => void seen.push(`${name} goes on`),
    }));
  rig = new Rig(told('lower', '10'), told('upper', '20'));
  rig.disks.add('a', 8);
  await rig.engine.create('m', { table: '0 8 span disk:a 0' });
  for (const name of ['lower', 'upper']) await rig.engine.attachFilter('m', name);
  seen = [];
});

afterEach(() => rig.finish());

describe('filters of a mapped device', () => {
  it('are told of its suspend, and asked before it goes on', async () => {
    await rig.engine.suspend('m');
    expect(seen).toEqual(['upper rests', 'lower rests']);
    seen = [];
    await rig.engine.resume('m');
    expect(seen).toEqual(['upper is asked', 'lower is asked', 'upper goes on', 'lower goes on']);
  });

  it('are not told of an edit', async () => {
    await rig.engine.swapFilter('m', 'lower', 'lower');
    expect(seen.filter((line) => !line.endsWith('goes on'))).toEqual([]);
  });

  it('keep it suspended with an error, which is no fault', async () => {
    await rig.engine.suspend('m');
    const port = await rig.open('m');
    const waiting = read(port, 0);
    refusal = fail('EAGAIN', 'not yet');
    await expect(rig.engine.resume('m')).rejects.toMatchObject({ code: 'EAGAIN', message: 'not yet' });
    expect([(await rig.engine.info('m')).suspended, waiting.status, rig.faults]).toEqual([true, null, []]);
    refusal = null;
    await rig.engine.resume('m');
    await settle();
    expect(waiting.status).toBe(Status.Ok);
  });
});
