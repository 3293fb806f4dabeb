import { BioFlag, BioOp, Status } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Setup } from './support.ts';

let setup: Setup;

async function start(words: string): Promise<void> {
  setup = await new Setup().start(words);
}

afterEach(async () => {
  if ((await setup.status()).includes('power=off')) await setup.message('power-on');
  await setup.stop();
});

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('cache', () => {
  it('a write is acknowledged and read back, and is not on the disk before a flush', async () => {
    await start('on write sectors=0+8 do cache');
    expect(await setup.write(0, 4, 1)).toBe(Status.Ok);
    expect(setup.versions(0, 4)).toBe('aaaa');
    expect(await setup.seen(0, 5)).toBe('bbbba');
    expect((await setup.send({ op: BioOp.Flush })).status).toBe(Status.Ok);
    expect(setup.versions(0, 4)).toBe('bbbb');
  });

  it('lost at a power cut; what the rule is not for is there', async () => {
    await start('on write sectors=0+8 do cache');
    await setup.write(0, 4, 1);
    await setup.write(8, 4, 1);
    expect(await setup.message('power-cut keep=0')).toBe('kept=0 torn=0 lost=1');
    expect(await setup.status()).toMatch(/ power=off$/);
    expect(await setup.read()).toBe(Status.Io);
    await setup.message('power-on');
    expect(await setup.seen(0, 12)).toBe('aaaaaaaabbbb');
  });

  it('keep=100 torn=0: all of it survives', async () => {
    await start('on write do cache');
    for (let i = 0; i < 8; i++) await setup.write(i * 2, 2, 1);
    expect(await setup.message('power-cut keep=100 torn=0')).toBe('kept=8 torn=0 lost=0');
    expect(setup.versions(0, 17)).toBe('bbbbbbbbbbbbbbbba');
  });

  it('keep and torn: some of it, the same with the same seed', async () => {
    const survivors = async (seed: number): Promise<string> => {
      await start(`seed=${seed} on write do cache`);
      for (let i = 0; i < 40; i++) await setup.write(i * 4, 4, 1);
      await setup.message('power-cut keep=60 torn=50');
      return setup.versions(0, 160);
    };
    const first = await survivors(1);
    expect(first).toMatch(/a{4}/);
    expect(first).toMatch(/b{4}/);
    expect(first.match(/.{4}/g)!.some((write) => write.includes('a') && write.includes('b'))).toBe(true);
    await setup.message('power-on');
    await setup.stop();
    expect(await survivors(1)).toBe(first);
    await setup.message('power-on');
    await setup.stop();
    expect(await survivors(2)).not.toBe(first);
  });

  it('FUA is stable, and a write that is not cached takes the place of one that is', async () => {
    await start('on write nth=1 do cache on write flags=fua do cache');
    await setup.write(0, 1, 1);
    await setup.write(0, 1, 2);
    expect(await setup.seen(0, 1)).toBe('c');
    await setup.write(1, 1, 1, BioFlag.Fua);
    await setup.message('power-cut keep=0');
    await setup.message('power-on');
    expect(await setup.seen(0, 2)).toBe('cb');
  });

  it('a flush that is dropped leaves the writes to the next power cut', async () => {
    await start('on write do cache on flush do drop');
    await setup.write(0, 1, 1);
    expect((await setup.send({ op: BioOp.Flush })).status).toBe(Status.Ok);
    await setup.message('power-cut keep=0');
    expect(setup.versions(0, 1)).toBe('a');
  });

  it('what a cached write replaced is what a stale read returns', async () => {
    await start('on write do cache on read do stale');
    await setup.write(0, 1, 1);
    await setup.write(0, 1, 2);
    expect(await setup.seen(0, 1)).toBe('b');
    expect(setup.versions(0, 1)).toBe('a');
  });

  it('the device tells of a volatile cache as soon as there is a rule for it, and no longer when all is flushed', async () => {
    await start('on write do drop');
    const told: boolean[] = [];
    setup.port.onLimits = ({ volatileCache }) => told.push(volatileCache);
    expect(setup.port.limits.volatileCache).toBe(false);
    const id = await setup.message('add on write id=5 do cache');
    expect(setup.port.limits.volatileCache).toBe(true);
    await setup.message(`remove ${id}`);
    expect(told).toEqual([true, false]);
    await setup.message('remove all');
    await setup.message('add on write do cache');
    await setup.write(0, 1, 1);
    await setup.message('remove all');
    // There is still something to flush.
    expect(setup.port.limits.volatileCache).toBe(true);
    expect(await setup.seen(0, 1)).toBe('b');
    await setup.send({ op: BioOp.Flush });
    await setup.message('add on read do pass');
    expect(setup.port.limits.volatileCache).toBe(false);
    expect(setup.versions(0, 1)).toBe('b');
  });
});

describe('power-cut', () => {
  it('by a rule: the request fails, and so does everything until the power is back', async () => {
    await start('on flush nth=2 do power-cut for=500');
    expect((await setup.send({ op: BioOp.Flush })).status).toBe(Status.Ok);
    expect((await setup.send({ op: BioOp.Flush })).status).toBe(Status.Io);
    // The survivors of a power cut, even if there are none, are flushed.
    const arrived = [...setup.disk.arrived];
    const { Read, Write, Flush, Discard, WriteZeroes } = BioOp;
    for (const op of [Read, Write, Flush, Discard, WriteZeroes])
      expect((await setup.send({ op })).status).toBe(Status.Io);
    expect(setup.disk.arrived).toEqual(arrived);
    expect(await setup.status()).toMatch(/ fired=1 held=0 power=off$/);
    setup.clock.advance(499);
    expect(await setup.read()).toBe(Status.Io);
    setup.clock.advance(1);
    expect(await setup.read()).toBe(Status.Ok);
    expect(await setup.status()).toMatch(/ power=on$/);
  });

  it('no rule is asked as long as the power is off', async () => {
    await start('on write do drop on read do stall on flush once do power-cut');
    await setup.send({ op: BioOp.Flush });
    expect(await setup.write(0, 1, 1)).toBe(Status.Io);
    expect(await setup.read()).toBe(Status.Io);
    expect(await setup.status()).toMatch(/ fired=1 held=0 power=off$/);
  });

  it('without a time it lasts until power-on, and power-on ends one with a time, too', async () => {
    await start('on flush nth=1 do power-cut on flush nth=1 do power-cut for=500');
    await setup.send({ op: BioOp.Flush });
    setup.clock.advance(1e6);
    expect(await setup.read()).toBe(Status.Io);
    await setup.message('power-on');
    expect(await setup.read()).toBe(Status.Ok);
    await setup.send({ op: BioOp.Flush });
    expect(await setup.read()).toBe(Status.Io);
    await setup.message('power-on');
    expect(setup.clock.pending).toBe(0);
    await expect(setup.message('power-on')).rejects.toMatchObject({ code: 'EALREADY' });
    await setup.message('power-cut');
    await expect(setup.message('power-cut for=10')).rejects.toMatchObject({ code: 'EALREADY' });
    setup.clock.advance(100);
    expect(await setup.read()).toBe(Status.Io);
  });

  it('what is held fails, and what is below when the power goes fails where the cache looks at it', async () => {
    await start('on read do stall on write sectors=0+1 do delay=50 on write sectors=999+1 do cache');
    const held = [setup.read(), setup.write(0, 1, 1)];
    setup.disk.hold();
    const below = setup.write(5, 1, 1);
    const cutting = setup.message('power-cut');
    expect(await Promise.all(held)).toEqual([Status.Io, Status.Io]);
    setup.disk.release();
    await cutting;
    expect(await below).toBe(Status.Io);
    setup.clock.advance(100);
    await settle();
    expect(setup.versions(0, 1)).toBe('a');
    expect(await setup.status()).toMatch(/ held=0 power=off$/);
  });

  it('its time is over before the survivors are written: the power is back when they are', async () => {
    await start('on write do cache on flush do power-cut for=10 keep=100 torn=0');
    await setup.write(0, 2, 1);
    setup.disk.hold();
    expect((await setup.send({ op: BioOp.Flush })).status).toBe(Status.Io);
    await settle();
    setup.clock.advance(50);
    expect(await setup.read()).toBe(Status.Io);
    await expect(setup.message('power-on')).rejects.toMatchObject({ code: 'EBUSY' });
    setup.disk.release();
    await settle();
    expect(await setup.seen(0, 3)).toBe('bba');
  });

  it('survivors that cannot be written: the log says so, and the power is off all the same', async () => {
    await start('on write do cache on flush do power-cut for=10 keep=100');
    await setup.write(0, 2, 1);
    setup.disk.fail(Status.NoSpc, { op: BioOp.Write });
    await setup.send({ op: BioOp.Flush });
    await settle();
    expect(setup.events.map((event) => ('message' in event ? event.message : ''))).toContainEqual(
      expect.stringMatching(/^filter chaos: power cut: .*ENOSPC/),
    );
    expect(await setup.status()).toMatch(/ power=off$/);
    setup.clock.advance(10);
    expect(await setup.seen(0, 2)).toBe('aa');
  });

  it('the filter goes while the power is off: nothing of it is left', async () => {
    await start('on write do cache on flush do power-cut for=1000 keep=0');
    await setup.write(0, 1, 1);
    await setup.send({ op: BioOp.Flush });
    await setup.engine.detachFilter(setup.name, 'chaos');
    expect(setup.clock.pending).toBe(0);
    expect(await setup.seen(0, 1)).toBe('a');
    await setup.engine.attachFilter(setup.name, 'chaos');
  });

  it.each(['drop', 'error', 'stall', 'power-cut', 'delay=9999'])(
    'the filter goes with something in its cache: it is written first, whatever rules say of flushes: %s',
    async (action) => {
      await start(`on write do cache on flush do ${action}`);
      await setup.write(0, 3, 1);
      await setup.engine.swapFilter(setup.name, 'chaos', 'chaos');
      expect(setup.versions(0, 4)).toBe('bbba');
    },
  );

  it('what is in its cache cannot be written: it stays, and nothing is lost', async () => {
    await start('on write do cache');
    await setup.write(0, 3, 1);
    setup.disk.fail(Status.NoSpc);
    await expect(setup.engine.detachFilter(setup.name, 'chaos')).rejects.toMatchObject({ code: 'ENOSPC' });
    setup.disk.heal();
    expect(await setup.seen(0, 4)).toBe('bbba');
    await setup.engine.swapFilter(setup.name, 'chaos', 'chaos');
    expect(setup.versions(0, 4)).toBe('bbba');
  });
});
