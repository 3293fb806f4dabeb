import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BioOp, Status } from '../src/index.ts';
import { type TestDisk } from './support/disks.ts';
import { filterType, targetType } from './support/plugins.ts';
import { DRAIN_TIMEOUT, read, Rig, send, settle, write } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;

beforeEach(() => {
  rig = new Rig(
    filterType('pass', '100'),
    filterType('stays', '50', () => ({ queryDetach: () => 'it has work to do' })),
    targetType('stuck', () => ({ map: () => 0 })),
  );
  disk = rig.disks.add('a', 1024);
});

afterEach(() => rig.finish());

describe('remove', () => {
  it('refuses an open device and names who has it', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0' });
    const port = await rig.open('m', { holder: 'client' });
    await expect(rig.engine.remove('m')).rejects.toMatchObject({
      code: 'EBUSY',
      message: 'm is open: client',
    });
    port.close();
    await rig.engine.remove('m');
    await expect(rig.engine.info('m')).rejects.toMatchObject({ code: 'ENXIO' });
    expect(disk.isOpen).toBe(false);
  });

  it('leaves a device as it was when a filter will not go', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0' });
    for (const filter of ['stays', 'pass']) await rig.engine.attachFilter('m', filter);
    await expect(rig.engine.remove('m')).rejects.toMatchObject({ code: 'EBUSY' });
    expect((await rig.engine.filters('m')).map(({ type }) => type)).toEqual(['pass', 'stays']);
    expect(read(await rig.open('m'), 0).status).toBe(Status.Ok);
    await rig.engine.detachFilter('m', 'stays', { force: true });
  });

  it('deferred waits for the last user, and can be called off', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0' });
    const [first, second] = [await rig.open('m'), await rig.open('m')];
    await rig.engine.remove('m', { deferred: true });
    expect((await rig.engine.info('m')).deferredRemove).toBe(true);
    first.close();
    await settle();
    expect(read(second, 0).status).toBe(Status.Ok);
    expect(await rig.engine.message('m', 0, ['@CANCEL_deferred_remove'])).toBe('');
    second.close();
    await settle();
    const third = await rig.open('m');
    await rig.engine.remove('m', { deferred: true });
    third.close();
    await settle();
    expect(await rig.engine.list()).toEqual([]);
  });

  it('deferred takes away nothing that came after it', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0' });
    await rig.engine.attachFilter('m', 'pass');
    const port = await rig.open('m');
    await rig.engine.remove('m', { deferred: true });
    port.close();
    await rig.engine.create('m', { table: '0 16 span disk:a 0' });
    await settle();
    expect(await rig.engine.info('m')).toMatchObject({ sectors: 16, deferredRemove: false });
  });

  it('deferred does not take a device from who opened it just in time', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0' });
    const port = await rig.open('m');
    await rig.engine.remove('m', { deferred: true });
    port.close();
    const again = await rig.open('m');
    await settle();
    expect(read(again, 0).status).toBe(Status.Ok);
    again.close();
    await settle();
    expect(await rig.engine.list()).toEqual([]);
  });

  it('and an open at the same time never both succeed', async () => {
    for (let steps = 0; steps < 12; steps++) {
      await rig.engine.create('m', { table: '0 8 span disk:a 0' });
      const removing = rig.engine.remove('m');
      for (let i = 0; i < steps; i++) await Promise.resolve();
      const [removed, opened] = await Promise.allSettled([removing, rig.engine.open('m')]);
      expect([removed.status, opened.status].toSorted()).toEqual(['fulfilled', 'rejected']);
      if (opened.status === 'rejected') continue;
      expect(read(opened.value, 0).status).toBe(Status.Ok);
      opened.value.close();
      await rig.engine.remove('m');
    }
  });

  it('deferred logs what goes wrong with it', async () => {
    await rig.engine.create('m', { table: '0 8 stuck' });
    const port = await rig.open('m');
    const sent = read(port, 0);
    await rig.engine.remove('m', { deferred: true });
    port.close();
    await settle();
    rig.clock.advance(DRAIN_TIMEOUT);
    await settle();
    expect(rig.logs[0]).toContain('deferred removal of m: m did not drain in 1000 ms');
    sent.bio.complete(Status.Ok);
  });

  it('by force puts an error target in place first, so that users fail instead of waiting', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0' });
    const port = await rig.open('m');
    await rig.engine.suspend('m');
    const waiting = write(port, 0);
    await expect(rig.engine.remove('m', { force: true })).rejects.toMatchObject({ code: 'EBUSY' });
    expect(waiting.status).toBe(Status.Io);
    expect(send(port, BioOp.Flush, 0, 0).status).toBe(Status.Io);
    expect((await rig.engine.table('m'))[0]).toMatchObject({ type: 'error', length: 8 });
    port.close();
    await rig.engine.create('bare');
    await rig.engine.remove('bare', { force: true });
    await rig.engine.remove('m', { force: true });
  });
});
