import { BioOp, type FilterType, Status } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chaos, type ChaosFilter } from '../src/index.ts';
import { Setup } from './support.ts';

let setup: Setup;
let filter: ChaosFilter;

/** The type, with a look at what it attaches. */
const watched: FilterType = {
  ...chaos,
  attach: (context, args) => {
    filter = chaos.attach(context, args);
    return filter;
  },
};

beforeEach(async () => {
  setup = await new Setup({}, watched).start('seed=1 on read sectors=0+1 do stall');
});

afterEach(() => setup.stop());

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a filter in the hands of a program', () => {
  it('takes rules with predicates, which are in no table, tells how often they fired, and gives them up', async () => {
    const id = filter.add({
      on: ['read'],
      when: ({ sector }) => sector === 9,
      action: { kind: 'error', code: 'ENOSPC' },
    });
    expect(id).toBe(2);
    expect(await setup.read(9)).toBe(Status.NoSpc);
    expect(await setup.read(9)).toBe(Status.NoSpc);
    expect(await setup.read(8)).toBe(Status.Ok);
    expect(filter.fired(id)).toBe(2);
    expect(await setup.args()).toBe('seed=1 on read sectors=0+1 do stall');
    filter.remove(id);
    expect(await setup.read(9)).toBe(Status.Ok);
    expect(() => filter.fired(id)).toThrow('there is no rule 2; rules: 1');
    expect(() => filter.add({ on: ['read'], id: 1, action: { kind: 'pass' } })).toThrow(
      'there is a rule 1 already',
    );
    expect(() => filter.add({ on: ['flush'], action: { kind: 'rot' } })).toThrow(
      'filter chaos: the rule, "on flush do rot": filter chaos: word 4 "rot": rot cannot be done to flush',
    );
  });

  it('a rule in front of the others has the first word, and keeps its place in the table', async () => {
    filter.add({ on: ['read'], times: 1, action: { kind: 'error' } }, 'first');
    expect(await setup.read(0)).toBe(Status.Io);
    expect(await setup.message('add first on write do drop')).toBe('3');
    const args = 'seed=1 on write id=3 do drop on read id=2 once do error on read id=1 sectors=0+1 do stall';
    expect(await setup.args()).toBe(args);
    await setup.engine.swapFilter(setup.name, 'chaos', `chaos ${args}`);
    expect(await setup.args()).toBe(args);
  });

  it('tells what is held, waits for it, lets it go or fail', async () => {
    filter.add({ on: ['write'], action: { kind: 'break', tag: 'w' } });
    filter.add({ on: ['flush'], action: { kind: 'delay', ms: 50 } });
    const all = filter.wait('stall', 2);
    const ended: string[] = [];
    const note = (name: string, sent: Promise<number>): void => {
      void sent.then((status) => ended.push(`${name}:${status}`));
    };
    note('a', setup.read());
    note('b', setup.read());
    note('w', setup.write(1, 1, 1));
    note(
      'f',
      setup.send({ op: BioOp.Flush }).then(({ status }) => status),
    );
    expect(await all).toBe(2);
    expect(await filter.wait('delay')).toBe(1);
    expect([
      filter.heldAt(),
      filter.heldAt('stall'),
      filter.heldAt('w'),
      filter.heldAt('delay'),
      filter.heldAt('x'),
    ]).toEqual([4, 2, 1, 1, 0]);
    expect(filter.resumeHeld('stall', 1)).toBe(1);
    expect(filter.failHeld('stall')).toBe(1);
    expect(filter.failHeld('w', 'ETIMEDOUT')).toBe(1);
    expect(filter.resumeHeld()).toBe(1);
    await settle();
    expect(ended).toEqual(['a:0', `b:${Status.Io}`, `w:${Status.TimedOut}`, 'f:0']);
    expect(setup.versions(1, 1)).toBe('a');
    expect(() => filter.failHeld('w', 'EFOO')).toThrow('"EFOO" is no errno');
  });

  it('has nobody wait who comes when it is gone', async () => {
    await setup.engine.detachFilter(setup.name, 'chaos');
    await expect(filter.wait('stall')).rejects.toMatchObject({ code: 'ESHUTDOWN' });
  });

  it('the same by message', async () => {
    const reads = [setup.read(), setup.read(), setup.read()];
    expect(await setup.message('fail nothing')).toBe('0');
    expect(await setup.message('resume stall 1')).toBe('1');
    expect(await setup.message('fail all ENODATA')).toBe('2');
    expect(await Promise.all(reads)).toEqual([Status.Ok, Status.NoData, Status.NoData]);
  });
});

describe('allocation', () => {
  const HOLE = { sector: 0, count: 64, hole: true, zero: true };

  async function extents(words: string): Promise<unknown> {
    const port = await setup.engine.open('ram:32K', { claim: 'noexcl' });
    await setup.engine.attachFilter(port.device.number, `chaos ${words}`);
    try {
      return await port.extents(0, 64);
    } finally {
      port.close();
    }
  }

  it.each([
    '',
    'on any do error on write do torn on write do misdirect on write do rot on write do drop',
    'on read do stall',
  ])('is that below where reads are what is there: %s', async (words) => {
    expect(await extents(words)).toEqual([HOLE]);
  });

  it.each(['on read do rot', 'on read do misdirect', 'on read do stale'])(
    'is all data where they may be something else: %s',
    async (words) => {
      expect(await extents(words)).toEqual([{ sector: 0, count: 64, hole: false, zero: false }]);
    },
  );

  it('is that of the cache, too', async () => {
    const port = await setup.engine.open('ram:32K', { claim: 'noexcl' });
    await setup.engine.attachFilter(port.device.number, 'chaos on write do cache');
    await port.write(8, new Uint8Array(512 * 4).fill(1));
    expect(await port.extents(0, 16)).toEqual([
      { sector: 0, count: 8, hole: true, zero: true },
      { sector: 8, count: 4, hole: false, zero: false },
      { sector: 12, count: 4, hole: true, zero: true },
    ]);
    await setup.engine.detachFilter(port.device.number, 'chaos');
    port.close();
  });
});
