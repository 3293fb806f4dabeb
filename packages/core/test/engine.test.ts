import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEngine, type EngineEvent, systemClock } from '../src/index.ts';
import { stampAt, stamped, type TestDisk } from './support/disks.ts';
import { filterType, targetType } from './support/plugins.ts';
import { Rig, settle } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
let event: () => void;

beforeEach(() => {
  rig = new Rig(
    filterType('pass', '100', ({ event: raise }) => {
      event = raise;
      return { table: () => 'x', status: () => 'fine', message: (words) => words.join('-') };
    }),
    filterType('quiet', '50', ({ event: raise }) => {
      event = raise;
      return {};
    }),
    filterType('stays', '70', () => ({ queryDetach: () => 'it has work to do' })),
    targetType('speaks', (context) => {
      event = context.event;
      context.log(`born at ${String(context.begin)}`);
      return {
        status: () => 'well',
        message: (words) => words.join(' '),
        table: (keys) => (keys ? 'key' : '-'),
      };
    }),
  );
  disk = rig.disks.add('a', 1024);
  disk.data.set(stamped('a', 0, 1024));
});

afterEach(() => rig.finish());

describe('I/O by name', () => {
  it('reads, writes, flushes, discards and zeroes', async () => {
    const { engine } = rig;
    expect(stampAt(Buffer.from(await engine.read('disk:a', 3, 1)))).toBe('a3');
    await engine.write('disk:a', 8, stamped('w', 8, 2));
    await engine.flush('disk:a');
    await engine.discard('disk:a', 8, 1);
    await engine.zero('disk:a', 9, 1);
    expect(disk.seen).toEqual(['read 3+1', 'write 8+2', 'flush 0+0', 'discard 8+1', 'write-zeroes 9+1']);
    await expect(engine.write('disk:a', 0, new Uint8Array(5))).rejects.toMatchObject({ code: 'EINVAL' });
    await settle();
    expect(disk.isOpen).toBe(false);
  });
});

describe('what an engine tells', () => {
  it('tables, states, types and paths', async () => {
    const { engine } = rig;
    await engine.create('m', { table: '0 8 span disk:a 0\n8 8 speaks' });
    await engine.attachFilter('m', 'pass');
    await engine.attachFilter('disk:a', 'quiet@7');
    expect(rig.logs).toEqual(['born at 8']);
    expect(await engine.table('m')).toEqual([
      { start: 0, length: 8, type: 'span', params: '7:0 0' },
      { start: 8, length: 8, type: 'speaks', params: '-' },
    ]);
    expect((await engine.table('m', { showKeys: true }))[1]?.params).toBe('key');
    expect((await engine.status('m')).map(({ params }) => params)).toEqual(['', 'well']);
    expect(await engine.status('m', { inactive: true })).toEqual([]);
    expect(await engine.deps('m', { inactive: true })).toEqual([]);
    expect((await engine.types()).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      ...['error', 'span', 'speaks'].map((name) => `target ${name}`),
      ...['pass', 'quiet', 'remap', 'stays'].map((name) => `filter ${name}`),
      'driver disk',
    ]);
    const quiet = { device: 'a', type: 'quiet', altitude: '7', args: '', status: '' };
    const pass = { device: 'm', type: 'pass', altitude: '100', args: 'x', status: 'fine' };
    expect(await engine.filters()).toEqual([pass, quiet]);
    expect(await engine.filters('disk:a')).toEqual([quiet]);
    const idle = { counters: { bios: 0 }, inflight: 0 };
    expect(await engine.explain('m')).toEqual({
      device: { name: 'm', major: 254, minor: 0 },
      sectors: 16,
      ...idle,
      filters: [{ ...pass, others: [], counters: { bios: 0 } }],
      rows: [
        {
          row: { start: 0, length: 8, type: 'span', params: '7:0 0' },
          counters: { bios: 0 },
          below: [
            {
              device: { name: 'a', major: 7, minor: 0 },
              sectors: 1024,
              ...idle,
              filters: [{ ...quiet, others: [], counters: { bios: 0 } }],
              driver: 'disk',
              rows: [],
            },
          ],
        },
        { row: { start: 8, length: 8, type: 'speaks', params: '-' }, counters: { bios: 0 }, below: [] },
      ],
    });
    await engine.create('bare');
    expect((await engine.explain('bare')).rows).toEqual([]);
  });

  it('faults and log lines, until nobody listens', async () => {
    const events: EngineEvent[] = [];
    const stop = rig.engine.onEvent((one) => events.push(one));
    await rig.engine.create('m', { table: '0 8 speaks' });
    stop();
    await rig.engine.create('n', { table: '0 8 speaks' });
    expect(events).toEqual([{ kind: 'log', message: 'born at 0' }]);
  });
});

describe('messages', () => {
  it('go to the target at a sector, first word in small letters', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0\n8 8 speaks' });
    expect(await rig.engine.message('m', 8, ['SAY', 'Hello'])).toBe('say Hello');
    for (const [sector, words, text] of [
      [0, ['x'], 'Target type does not support messages: span'],
      [16, ['x'], 'Target message sector outside device'],
      [-1, ['x'], 'Target message sector outside device'],
      [0, [], 'the message is empty'],
      [0, ['@what'], 'Unsupported message sent to DM core: @what'],
    ] as const)
      await expect(rig.engine.message('m', sector, words)).rejects.toMatchObject({
        code: 'EINVAL',
        message: expect.stringContaining(text),
      });
    await rig.engine.create('bare');
    await expect(rig.engine.message('bare', 0, ['x'])).rejects.toThrow('The device has no table.');
  });

  it('go to filters that take them', async () => {
    await rig.engine.attachFilter('disk:a', 'pass');
    await rig.engine.attachFilter('disk:a', 'quiet');
    expect(await rig.engine.messageFilter('disk:a', 'pass', ['a', 'b'])).toBe('a-b');
    await expect(rig.engine.messageFilter('disk:a', 'quiet', ['a'])).rejects.toMatchObject({
      code: 'ENOTTY',
    });
  });
});

describe('events', () => {
  it('count, and wake who waits for another number', async () => {
    const info = await rig.engine.create('m', { table: '0 8 speaks' });
    const waiting = rig.engine.wait('m', info.eventNr);
    event();
    expect(await waiting).toBe(info.eventNr + 1);
    expect(await rig.engine.wait('m', 77)).toBe(info.eventNr + 1);
    await rig.engine.attachFilter('m', 'pass');
    event();
    expect((await rig.engine.info('m')).eventNr).toBe(info.eventNr + 2);
    await rig.engine.attachFilter('disk:a', 'quiet');
    event();
    const removed = rig.engine.wait('m', info.eventNr + 2);
    await rig.engine.remove('m');
    expect(await removed).toBe(info.eventNr + 3);
  });

  it('need not come: a wait can be given up', async () => {
    await rig.engine.create('m', { table: '0 8 speaks' });
    const { eventNr } = await rig.engine.info('m');
    const abort = new AbortController();
    const waiting = rig.engine.wait('m', eventNr, abort.signal);
    abort.abort();
    expect(await waiting).toBe(eventNr);
    expect(await rig.engine.wait('m', eventNr, abort.signal)).toBe(eventNr);
  });
});

describe('an engine', () => {
  it('does one control operation at a time, in order, and a failed one stops no other', async () => {
    const results = await Promise.allSettled([
      rig.engine.create('m', { table: '0 8 span disk:a 0' }),
      rig.engine.create('m'),
      rig.engine.rename('m', 'n'),
      rig.engine.remove('n'),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  });

  it('closes only when nobody has a device open, upper devices first, and is closed for good', async () => {
    await rig.engine.create('a-low', { table: '0 8 span disk:a 0' });
    await rig.engine.create('b-top', { table: '0 8 span a-low 0' });
    await rig.engine.attachFilter('disk:a', 'pass');
    const port = await rig.open('disk:a', { holder: 'client' });
    await expect(rig.engine.close()).rejects.toThrow('a is open: table, filter, client');
    port.close();
    await rig.engine.close();
    expect([rig.engine.devices(), disk.isOpen]).toEqual([[], false]);
    await expect(rig.engine.create('x')).rejects.toMatchObject({ code: 'ESHUTDOWN' });
    await expect(rig.engine.open('disk:a')).rejects.toMatchObject({ code: 'ESHUTDOWN' });
    await expect(rig.engine.read('disk:a', 0, 1)).rejects.toMatchObject({ code: 'ESHUTDOWN' });
    rig = new Rig();
  });

  it('has a clock and a patience of its own unless told otherwise', async () => {
    const engine = createEngine({ types: [targetType('zero', () => ({}))] });
    expect(engine.clock).toBe(systemClock);
    await engine.create('m', { table: '0 8 zero' });
    await engine.close();
    const before = systemClock.now();
    await new Promise<void>((resolve) => {
      systemClock.after(0, () => expect.unreachable()).cancel();
      systemClock.after(0, resolve);
    });
    expect(systemClock.now()).toBeGreaterThanOrEqual(before);
  });
});

describe('the end of an engine', () => {
  it('can be tried again when a filter would not go', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0' });
    await rig.engine.attachFilter('m', 'stays');
    await expect(rig.engine.close()).rejects.toMatchObject({ code: 'EBUSY' });
    expect(stampAt(Buffer.from(await rig.engine.read('m', 3, 1)))).toBe('a3');
    await rig.engine.detachFilter('m', 'stays', { force: true });
    await rig.engine.close();
    rig = new Rig();
  });

  it('leaves no device behind that came meanwhile', async () => {
    const opening = expect(rig.engine.open('disk:a')).rejects.toMatchObject({ code: 'ESHUTDOWN' });
    await rig.engine.close();
    await opening;
    expect(disk.isOpen).toBe(false);
    rig = new Rig();
  });
});
