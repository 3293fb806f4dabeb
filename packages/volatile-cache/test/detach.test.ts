import { BioOp, fail, Random, Status } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { DISK, filled, Setup, type SetupOptions } from './setup.ts';

describe('a cache that is taken away', () => {
  let setup: Setup;

  afterEach(() => setup.stop());

  async function start(options: SetupOptions = {}): Promise<void> {
    setup = await Setup.start(options);
    await setup.write(0, 4, 1);
    await setup.write(2, 4, 2);
  }

  function detach(force = false): Promise<void> {
    return setup.settle(setup.engine.detachFilter(DISK, 'cache', { force }));
  }

  function detachBoth(): Promise<void> {
    return setup.settle(
      setup.engine.transaction([
        { kind: 'detach', device: DISK, filter: 'cache' },
        { kind: 'detach', device: DISK, filter: 'low' },
      ]),
    );
  }

  it.each([{}, { delay: 5 }])('writes and flushes everything first: disk %o', async (options) => {
    await start(options);
    await detach();
    expect(setup.stable(0, 6)).toEqual([1, 1, 2, 2, 2, 2]);
    expect(await setup.engine.filters(DISK)).toEqual([]);
  });

  it('writes everything to a disk that has no flushes, whose writes are stable', async () => {
    await start({ limits: { ops: 0b11011 } });
    expect(setup.port.limits.ops).toBe(0b11111);
    await detach();
    expect(setup.below(0, 6)).toEqual([1, 1, 2, 2, 2, 2]);
    expect(setup.port.limits.ops).toBe(0b11011);
  });

  it('an edit of the stack elsewhere writes nothing below', async () => {
    await start();
    await setup.settle(setup.engine.attachFilter(DISK, 'cache@50000'));
    await setup.settle(setup.engine.detachFilter(DISK, 'cache@50000'));
    expect(setup.below(0, 6)).toEqual([0, 0, 0, 0, 0, 0]);
    setup.port.close();
    await setup.settle(setup.engine.close());
    expect(setup.stable(0, 6)).toEqual([1, 1, 2, 2, 2, 2]);
  });

  it.each([
    [BioOp.Write, {}],
    [BioOp.Flush, {}],
    [BioOp.Write, { delay: 5 }],
    [BioOp.Flush, { delay: 5 }],
  ])('is refused where operation %i fails, and loses nothing: disk %o', async (op, options) => {
    await start(options);
    setup.disk.fail(Status.NoSpc, { op });
    await expect(detach()).rejects.toMatchObject({
      code: 'ENOSPC',
      message: `the cached data of ${DISK} could not be written to the device below: ENOSPC`,
    });
    expect(await setup.read(0, 6)).toEqual([1, 1, 2, 2, 2, 2]);
    expect(await setup.write(0, 1, 3)).toBe(Status.Ok);
    expect(setup.cache.records).toBe(3);
    setup.disk.heal();
    await detach();
    expect(setup.stable(0, 6)).toEqual([3, 1, 2, 2, 2, 2]);
  });

  it('is refused where it takes too long, and loses nothing', async () => {
    await start();
    setup.disk.hold();
    await expect(detach()).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    setup.disk.release();
    expect(await setup.write(0, 1, 3)).toBe(Status.Ok);
    await detach();
    expect(setup.stable(0, 6)).toEqual([3, 1, 2, 2, 2, 2]);
  });

  it('goes on caching where another filter of the same edit will not go', async () => {
    await start();
    await setup.settle(setup.engine.attachFilter(DISK, 'low'));
    setup.beforeLowGoes = () => Promise.reject(fail('EPERM', 'it stays'));
    await expect(detachBoth()).rejects.toMatchObject({ code: 'EPERM' });
    expect(setup.stable(0, 6)).toEqual([1, 1, 2, 2, 2, 2]);
    await setup.write(0, 1, 3);
    expect(setup.cache.records).toBe(1);
    setup.beforeLowGoes = () => Promise.resolve();
  });

  it('caches nothing more once it is empty: filters above may still write', async () => {
    await start({ delay: 3 });
    await setup.settle(setup.engine.attachFilter(DISK, 'low'));
    const above = setup.port.device.open({
      mode: 'write',
      claim: 'noexcl',
      holder: 'a filter above',
      below: '50000',
    });
    setup.beforeLowGoes = () => above.write(4, filled(4, 4, 9));
    await detachBoth();
    expect(setup.below(0, 9)).toEqual([1, 1, 2, 2, 9, 9, 9, 9, 0]);
    above.close();
  });

  it('a swap for another one keeps everything', async () => {
    await start({ delay: 3 });
    await setup.settle(setup.engine.swapFilter(DISK, 'cache', 'cache'));
    expect(setup.cache.records).toBe(0);
    expect(await setup.read(0, 6)).toEqual([1, 1, 2, 2, 2, 2]);
  });

  it('two of them at once: what the upper one writes the lower one writes too', async () => {
    await start({ delay: 3 });
    await setup.settle(setup.engine.attachFilter(DISK, 'cache@50000'));
    await setup.write(5, 2, 5);
    await setup.settle(
      setup.engine.transaction([
        { kind: 'detach', device: DISK, filter: 'cache@30000' },
        { kind: 'detach', device: DISK, filter: 'cache@50000' },
      ]),
    );
    expect(setup.below(0, 7)).toEqual([1, 1, 2, 2, 2, 5, 5]);
  });

  it('a mapped device that is removed, suspended before, keeps everything', async () => {
    setup = await Setup.start({ delay: 3 });
    const { engine } = setup;
    await setup.settle(engine.create('m', { table: `0 64 span ${DISK} 0 noexcl` }));
    await setup.settle(engine.attachFilter('m', 'cache'));
    await setup.settle(engine.write('m', 0, new Uint8Array(512).fill(7)));
    expect(setup.below(0, 1)).toEqual([0]);
    await setup.settle(engine.suspend('m'));
    await setup.settle(engine.remove('m'));
    expect(setup.disk.data[0]).toBe(7);
  });

  it('by force it is a power cut that loses everything', async () => {
    await start();
    await detach(true);
    expect(setup.stable(0, 6)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('by force with a failing disk too', async () => {
    await start({ delay: 5 });
    setup.disk.fail(Status.Io);
    const flushing = setup.flush();
    await detach(true);
    expect(await flushing).toBe(Status.Io);
  });

  it('a device that vanishes fails what is under way, and nothing is left', async () => {
    await start({ delay: 5 });
    const flushing = setup.cache.flush();
    const refused = expect(flushing).rejects.toMatchObject({ name: 'InterposerError' });
    const ended = Promise.all([setup.flush(), setup.fua(0, 1, 9), setup.write(0, 1, 9)]);
    await setup.settle(setup.engine.yank(DISK));
    await setup.settle(ended);
    await refused;
  });

  it('without power it goes at once, and the disk is as the cut left it', async () => {
    await start();
    await setup.settle(setup.cache.cut({ keep: 0, torn: 0, unit: 512, order: 'any', random: new Random(1) }));
    await detach();
    expect(await setup.read(0, 6)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('it does not go while the power is being cut', async () => {
    await start({ delay: 5 });
    const cutting = setup.cache.cut({ keep: 1, torn: 0, unit: 512, order: 'any', random: new Random(1) });
    await expect(setup.engine.detachFilter(DISK, 'cache')).rejects.toMatchObject({ code: 'EBUSY' });
    await setup.settle(cutting);
  });
});
