import { BioFlag, BioOp, Status } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { type ChaosRequest, type ChaosRule, defineChaos } from '../src/index.ts';
import { Setup } from './support.ts';

let setup: Setup;

async function start(rules: readonly ChaosRule[], words = ''): Promise<void> {
  setup = await new Setup({}, defineChaos({ rules })).start(words);
}

afterEach(() => setup.stop());

describe('rules as code', () => {
  it('a predicate sees the request, the time, the state and its number', async () => {
    const seen: ChaosRequest[] = [];
    await start([
      {
        on: ['any'],
        sectors: { first: 8, count: 100 },
        when: (request) => {
          seen.push({ ...request });
          return request.nth === 3;
        },
        action: { kind: 'error', code: 'ENOSPC' },
        newState: 'full',
      },
    ]);
    await setup.read(0);
    await setup.read(8);
    setup.clock.advance(25);
    expect(await setup.write(10, 2, 1, BioFlag.Fua)).toBe(Status.Ok);
    expect((await setup.send({ op: BioOp.Discard, sector: 12, count: 4 })).status).toBe(Status.NoSpc);
    expect((await setup.send({ op: BioOp.WriteZeroes, sector: 13, flags: BioFlag.NoUnmap })).status).toBe(
      Status.Ok,
    );
    expect(seen).toEqual([
      { op: 'read', sector: 8, count: 1, flags: 0, time: 0, nth: 1, state: 'start' },
      { op: 'write', sector: 10, count: 2, flags: BioFlag.Fua, time: 25, nth: 2, state: 'start' },
      { op: 'discard', sector: 12, count: 4, flags: 0, time: 25, nth: 3, state: 'start' },
      { op: 'write-zeroes', sector: 13, count: 1, flags: BioFlag.NoUnmap, time: 25, nth: 4, state: 'full' },
    ]);
    expect(await setup.status()).toMatch(/ state=full fired=1 /);
  });

  it('nth and its kin count those for which the predicate was true', async () => {
    await start([
      { on: ['read'], when: ({ sector }) => sector % 2 === 1, nth: 2, action: { kind: 'error' } },
    ]);
    const statuses: number[] = [];
    for (const sector of [1, 2, 3, 5]) statuses.push(await setup.read(sector));
    expect(statuses).toEqual([0, 0, Status.Io, 0]);
    expect(await setup.message('rules')).toBe(
      '1 matches=3 fired=1 on read nth=2 do error (when: a function)',
    );
  });

  it('every kind of condition and action is that of the words', async () => {
    const rules: ChaosRule[] = [
      {
        on: ['write', 'read'],
        state: ['start', 'x'],
        sectors: { first: 1, count: 2 },
        count: 3,
        flags: ['fua'],
        from: 0,
        until: 9,
        after: 1,
        nth: 1,
        times: 1,
        probability: 0.5,
        action: { kind: 'rot', bits: 2, at: 3 },
        newState: 'y',
      },
      {
        on: ['write'],
        state: 'y',
        count: { least: 1, most: 4 },
        action: { kind: 'torn', sectors: 2, ack: false },
      },
      { on: ['any'], every: 2, action: { kind: 'latency', p50: 1, p99: 2, burst: 3 } },
    ];
    await start(rules);
    expect(
      (await setup.message('rules')).split('\n').map((line) => line.replace(/^\d+ matches=0 fired=0 /, '')),
    ).toEqual([
      'on read,write state=start,x sectors=1+2 count=3 flags=fua from=0 until=9 after=1 nth=1 once probability=0.5 do rot bits=2 at=3 new-state=y',
      'on write state=y count=1-4 do torn=2 ack=no',
      'on any every=2 do latency p50=1 p99=2 burst=3',
    ]);
  });

  it('rules of words come behind it; what it has itself is not in its words and stays', async () => {
    await start(
      [{ on: ['read'], sectors: { first: 0, count: 8 }, action: { kind: 'pass' } }],
      'seed=9 on read do error',
    );
    expect(await setup.read(0)).toBe(Status.Ok);
    expect(await setup.read(8)).toBe(Status.Io);
    expect(await setup.args()).toBe('seed=9 on read do error');
    await expect(setup.message('remove 1')).rejects.toMatchObject({ code: 'EINVAL' });
    await setup.message('remove all');
    expect(await setup.message('rules')).toMatch(/^1 /);
    expect(await setup.args()).toBe('seed=9');
    await setup.engine.swapFilter(setup.name, 'chaos', `chaos ${await setup.args()} on write do drop`);
    expect((await setup.message('rules')).split('\n')).toHaveLength(2);
  });

  it('name, altitude and seed are its own; words may say another seed', async () => {
    const type = defineChaos({ name: 'my-faults', altitude: '171000.5', seed: 77, rules: [] });
    expect(type).toMatchObject({ name: 'my-faults', altitude: '171000.5' });
    setup = await new Setup({}, type).start();
    expect(await setup.message('seed')).toBe('77');
    await setup.engine.swapFilter(setup.name, 'my-faults', 'my-faults seed=5');
    expect(await setup.message('seed')).toBe('5');
  });

  it('a predicate that throws is contained: the device is fenced and told, and serves again without the filter', async () => {
    await start([
      {
        on: ['read'],
        when: ({ sector }) => {
          if (sector === 3) throw new RangeError('my predicate is wrong');
          return false;
        },
        action: { kind: 'error' },
      },
      { on: ['write'], action: { kind: 'stall' } },
    ]);
    expect(await setup.read(2)).toBe(Status.Ok);
    const held = setup.write(0, 1, 1);
    expect(await setup.read(3)).toBe(Status.Io);
    expect(await held).toBe(Status.Io);
    expect(await setup.read(2)).toBe(Status.Io);
    expect(setup.events).toEqual([
      expect.objectContaining({
        kind: 'fault',
        culprit: 'filter chaos@170000',
        message: 'my predicate is wrong',
      }),
    ]);
    await setup.engine.detachFilter(setup.name, 'chaos', { force: true });
    expect(await setup.read(3)).toBe(Status.Ok);
  });
});

describe('rules that are none', () => {
  it.each([
    [{ on: [], action: { kind: 'stall' } }, 'no such operation'],
    [{ on: ['read'], probability: 2, action: { kind: 'stall' } }, '"2" is not allowed'],
    [{ on: ['read'], nth: 1.5, action: { kind: 'stall' } }, '"1.5" is not allowed'],
    [
      { on: ['read'], sectors: { first: 0, count: NaN }, action: { kind: 'stall' } },
      '"0+NaN" is not allowed',
    ],
    [{ on: ['read'], action: { kind: 'drop' } }, 'drop cannot be done to read'],
    [{ on: ['read'], action: { kind: 'break', tag: 'two words' } }, 'no such setting of break'],
    [{ on: ['read'], action: { kind: 'error', code: 'EFOO' } }, '"EFOO" is not allowed'],
  ] as const)('%j', async (rule, text) => {
    setup = await new Setup().start();
    expect(() => defineChaos({ rules: [{ on: ['any'], action: { kind: 'pass' } }, rule] })).toThrow(text);
    expect(() => defineChaos({ rules: [{ on: ['any'], action: { kind: 'pass' } }, rule] })).toThrow(
      /^rule 2 of the code, "on /,
    );
  });

  it('a seed that is none', async () => {
    setup = await new Setup().start();
    expect(() => defineChaos({ seed: -1, rules: [] })).toThrow('must be a whole number from 0 to 4294967295');
  });
});
