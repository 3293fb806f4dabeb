import { BioOp, Status } from '@interposer/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DISK, Setup } from './support.ts';

describe('a throttle that is changed, stopped and taken away', () => {
  let setup: Setup;

  beforeEach(() => {
    setup = new Setup();
  });

  afterEach(() => setup.stop());

  function readAll(names: string): void {
    for (const name of names) setup.read(name);
  }

  it('set: a new rate holds from then on, also for those that wait', async () => {
    await setup.start('throttle iops=10 burst=0');
    readAll('abcd');
    setup.clock.advance(50);
    await setup.message('set iops=100');
    setup.clock.advance(1000);
    // Half a request of debt is left: 50 ms at the old rate, 5 ms at the new.
    expect(setup.news()).toEqual(['a@0', 'b@55', 'c@65', 'd@75']);
    expect(await setup.args()).toBe('iops=100 burst=0');
  });

  it('set: a slower rate makes those that wait wait longer', async () => {
    await setup.start('throttle iops=100 burst=0');
    readAll('abc');
    await setup.message('set iops=10');
    setup.clock.advance(1000);
    expect(setup.news()).toEqual(['a@0', 'b@100', 'c@200']);
  });

  it('set: 0 takes a limit away, and all go at once, in order', async () => {
    await setup.start('throttle iops=1 bps=1K');
    readAll('abcdef');
    expect(setup.news()).toEqual(['a@0']);
    await setup.message('set iops=0 bps=0');
    expect(setup.news()).toEqual(['b@0', 'c@0', 'd@0', 'e@0', 'f@0']);
    expect(await setup.args()).toBe('');
    readAll('gh');
    expect(setup.news()).toEqual(['g@0', 'h@0']);
  });

  it('set: a limit that comes begins with a full burst; burst alone adds no tokens', async () => {
    await setup.start('throttle');
    readAll('abc');
    await setup.message('set read-iops=10 burst=0.2');
    readAll('defg');
    expect(setup.news()).toEqual(['a@0', 'b@0', 'c@0', 'd@0', 'e@0', 'f@0']);
    await setup.message('set burst=1');
    setup.clock.advance(1000);
    expect(setup.news()).toEqual(['g@100']);
    // Out of debt since 200 ms: eight tokens, and one request that goes into debt.
    readAll('0123456789x');
    expect(setup.news()).toHaveLength(9);
  });

  it('set: a lower limit leaves no more tokens than its burst holds', async () => {
    await setup.start('throttle iops=100');
    await setup.message('set iops=10');
    readAll('abc');
    setup.clock.advance(1000);
    expect(setup.news()).toEqual(['a@0', 'b@0', 'c@100']);
  });

  it('set and show', async () => {
    await setup.start('throttle bps=10M burst=2');
    expect(await setup.message('set write-iops=200 bps=1500')).toBe('');
    expect(await setup.message('show')).toBe(
      'iops=0\nread-iops=0\nwrite-iops=200\nbps=1500\nread-bps=0\nwrite-bps=0\nburst=2',
    );
    expect(await setup.args()).toBe('write-iops=200 bps=1500 burst=2');
  });

  it.each([
    ['set', 'messages: set KEY=VALUE..., show'],
    ['show all', 'messages: set KEY=VALUE..., show'],
    ['reset', 'messages: set KEY=VALUE..., show'],
    ['set iops', '"iops" is not one of [iops='],
    ['set size=1', '"size=1" is not one of [iops='],
    ['set iops=1 iops=2', 'given twice'],
    ['set iops=5 burst=-1', '"-1" is no number of seconds from 0 to 3600'],
  ])('refuses the message %s, and changes nothing', async (words, reason) => {
    await setup.start('throttle bps=1K');
    await expect(setup.message(words)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining(reason),
    });
    expect(await setup.args()).toBe('bps=1K');
  });

  it.each([
    ['throttle', ''],
    ['throttle iops=0', ''],
    ['throttle burst=0.1 bps=1048576', 'bps=1M'],
    ['throttle bps=3T read-bps=1025 write-bps=2K', 'bps=3T read-bps=1025 write-bps=2K'],
    ['throttle write-iops=3 read-iops=2 iops=1 burst=10.5', 'iops=1 read-iops=2 write-iops=3 burst=10.5'],
  ])('%s: shown as it would attach it again', async (spec, args) => {
    await setup.start(spec);
    expect(await setup.args()).toBe(args);
    await setup.engine.detachFilter(DISK, 'throttle');
    await setup.engine.attachFilter(DISK, `throttle ${args}`);
    expect(await setup.args()).toBe(args);
  });

  it.each([
    ['throttle iops', 'is not one of'],
    ['throttle iops=1.5', 'is not a whole decimal number'],
    ['throttle iops=10K', 'is not a whole decimal number'],
    ['throttle bps=10X', 'K, M, G or T'],
    ['throttle burst=1s', '"1s" is no number of seconds'],
    ['throttle burst=3601', 'from 0 to 3600'],
    ['throttle 100', '"100" is not one of'],
  ])('refuses %s', async (spec, reason) => {
    await setup.start('throttle');
    await setup.engine.detachFilter(DISK, 'throttle');
    await expect(setup.engine.attachFilter(DISK, spec)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining(reason),
    });
  });

  it('status counts what passed, what is held, and what the delay was', async () => {
    await setup.start('throttle iops=10 burst=0');
    readAll('abc');
    expect(await setup.status()).toBe('held=2 passed=1 delayed=0 delay-ms=0');
    setup.clock.advance(100);
    expect(await setup.status()).toBe('held=1 passed=2 delayed=1 delay-ms=100');
    setup.clock.advance(100);
    expect(await setup.status()).toBe('held=0 passed=3 delayed=2 delay-ms=300');
  });

  it('a suspend does not wait for it: all that is held goes at once, in order', async () => {
    await setup.start('throttle iops=1 burst=0');
    readAll('abc');
    setup.write('d');
    expect(await setup.status()).toBe('held=3 passed=1 delayed=0 delay-ms=0');
    await setup.engine.suspend(DISK);
    expect(setup.news()).toEqual(['a@0', 'b@0', 'c@0', 'd@0']);
    expect(await setup.status()).toBe('held=0 passed=4 delayed=0 delay-ms=0');
  });

  it('what a suspend let go is paid for after the resume', async () => {
    await setup.start('throttle iops=10 burst=0');
    readAll('abc');
    await setup.engine.suspend(DISK);
    readAll('de');
    await setup.engine.resume(DISK);
    expect(setup.news()).toEqual(['a@0', 'b@0', 'c@0']);
    setup.clock.advance(1000);
    expect(setup.news()).toEqual(['d@300', 'e@400']);
  });

  it('detach lets go of what is held and leaves no timer', async () => {
    await setup.start('throttle iops=1 burst=0');
    const idle = setup.clock.pending;
    readAll('abc');
    await setup.engine.detachFilter(DISK, 'throttle');
    expect(setup.news()).toEqual(['a@0', 'b@0', 'c@0']);
    expect(setup.clock.pending).toBe(idle);
    readAll('xyz');
    expect(setup.news()).toEqual(['x@0', 'y@0', 'z@0']);
  });

  it('a swap for another throttle fails nothing', async () => {
    await setup.start('throttle iops=1 burst=0');
    readAll('abc');
    await setup.engine.swapFilter(DISK, 'throttle', 'throttle iops=10 burst=0');
    readAll('def');
    setup.clock.advance(1000);
    expect(setup.news()).toEqual(['a@0', 'b@0', 'c@0', 'd@0', 'e@100', 'f@200']);
  });

  it('a device that vanishes fails what is held once, and leaves no timer', async () => {
    await setup.start('throttle iops=1 burst=0');
    const idle = setup.clock.pending;
    readAll('abc');
    await setup.engine.yank(DISK);
    expect(setup.news()).toEqual(['a@0', 'b@0 failed with 19', 'c@0 failed with 19']);
    expect(setup.clock.pending).toBe(idle);
    setup.clock.advance(10_000);
    expect(setup.news()).toEqual([]);
  });

  it('what fails below fails above', async () => {
    await setup.start('throttle iops=10 burst=0');
    setup.disk.fail(Status.NoSpc, { op: BioOp.Write });
    setup.write('a');
    setup.write('b');
    setup.clock.advance(100);
    expect(setup.news()).toEqual(['a@0 failed with 28', 'b@100 failed with 28']);
  });

  it('leaves allocation as it is', async () => {
    await setup.start('throttle iops=10');
    const attached = await setup.engine.extents(DISK, 0, 4096);
    await setup.engine.detachFilter(DISK, 'throttle');
    expect(await setup.engine.extents(DISK, 0, 4096)).toEqual(attached);
  });
});
