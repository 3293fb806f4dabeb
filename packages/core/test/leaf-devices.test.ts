import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEngine, defineDriver, type Port, Status } from '../src/index.ts';
import { TestDisk } from './support/disks.ts';
import { filterType } from './support/plugins.ts';
import { read, Rig, settle, write } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;

beforeEach(() => {
  rig = new Rig(filterType('pass', '100'));
  disk = rig.disks.add('a', 64);
});

afterEach(() => rig.finish());

describe('a leaf device', () => {
  it('is opened at its first mention, shared, and closed after the last', async () => {
    const [first, second] = await Promise.all([rig.open('disk:a'), rig.open('disk:a')]);
    expect(first.device).toBe(second.device);
    expect(first.device.number).toBe('7:0');
    expect(disk.opens).toBe(1);
    first.close();
    await settle();
    expect(disk.isOpen).toBe(true);
    second.close();
    await settle();
    expect(disk.isOpen).toBe(false);
    expect(rig.engine.devices()).toEqual([]);
    await rig.open('disk:a');
    expect(disk.opens).toBe(2);
  });

  it('is found by its name and its number while it is open', async () => {
    rig.disks.add('b', 64);
    await rig.open('disk:b');
    const port = await rig.open('disk:a');
    expect(port.device.number).toBe('7:1');
    expect((await rig.open('7:1')).device).toBe(port.device);
    expect((await rig.open('a')).device).toBe(port.device);
    await expect(rig.open('7:2')).rejects.toMatchObject({ code: 'ENXIO' });
    await expect(rig.open('nosuch')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(rig.open('disk:nosuch')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(rig.engine.devices()).toHaveLength(2);
  });

  it('that nobody has open is not there to be asked about', async () => {
    await expect(rig.engine.explain('disk:a')).rejects.toMatchObject({ code: 'ENXIO' });
    await expect(rig.engine.explain('nosuch')).rejects.toMatchObject({ code: 'ENXIO' });
    const port = await rig.open('disk:a');
    expect((await rig.engine.explain('disk:a')).device).toEqual({ name: 'a', major: 7, minor: 0 });
    port.close();
    await expect(rig.engine.explain('disk:a')).rejects.toMatchObject({ code: 'ENXIO' });
  });

  it('without an identity is a device of its own at each mention', async () => {
    rig.disks.add('anonymous', 64);
    const [one, two] = [await rig.open('disk:anonymous'), await rig.open('disk:anonymous')];
    expect(one.device).not.toBe(two.device);
    expect([one.device.name, two.device.name]).toEqual(['disk:anonymous#0', 'disk:anonymous#1']);
    expect((await rig.open('disk:anonymous#1')).device).toBe(two.device);
  });

  it('stays open while it has a filter', async () => {
    await rig.engine.attachFilter('disk:a', 'pass');
    expect(disk.isOpen).toBe(true);
    await rig.engine.detachFilter('disk:a', 'pass');
    expect(disk.isOpen).toBe(false);
  });

  it('that a filter opened can be written', async () => {
    await rig.engine.attachFilter('disk:a', 'pass');
    expect(disk.openedReadOnly).toBe(false);
    expect(write(await rig.open('disk:a'), 0).status).toBe(Status.Ok);
  });

  it('is opened read-only for a reader, and is no use to a writer until it is closed', async () => {
    const port = await rig.open('disk:a', { mode: 'read' });
    expect(disk.openedReadOnly).toBe(true);
    port.close();
    await rig.open('disk:a');
    expect(disk.openedReadOnly).toBe(false);
  });

  it('is closed again when the port that opened it is refused', async () => {
    rig.disks.add('ro', 64, { readOnly: true });
    await expect(rig.open('disk:ro')).rejects.toMatchObject({ code: 'EROFS' });
    expect(rig.engine.devices()).toEqual([]);
  });
});

describe('a leaf device that closes', () => {
  it('is opened anew for who comes meanwhile', async () => {
    let closed = (): void => expect.unreachable();
    disk.closing = new Promise((resolve) => (closed = resolve));
    (await rig.open('disk:a')).close();
    const opening = rig.open('disk:a');
    await settle();
    expect(rig.engine.devices()).toEqual([]);
    closed();
    expect(read(await opening, 0).status).toBe(Status.Ok);
    expect(disk.opens).toBe(2);
  });

  it('never serves anybody, at whatever moment its last user lets it go', async () => {
    for (let steps = 0; steps < 12; steps++) {
      const last = await rig.engine.open('disk:a');
      const opening = rig.engine.open('disk:a');
      for (let i = 0; i < steps; i++) await Promise.resolve();
      last.close();
      const port = await opening;
      await settle();
      expect(read(port, 0).status).toBe(Status.Ok);
      port.close();
      await settle();
    }
    expect(disk.late).toBe(0);
  });

  it('logs what its driver complains of, which is no matter of the next user', async () => {
    const port = await rig.open('disk:a');
    disk.closing = Promise.reject(new Error('disk on fire'));
    port.close();
    disk.closing.catch(() => undefined);
    const again = await rig.open('disk:a');
    expect(rig.logs).toEqual(['a: disk on fire']);
    disk.closing = Promise.resolve();
    expect(read(again, 0).status).toBe(Status.Ok);
  });
});

describe('drivers', () => {
  it('are chosen by scheme, or take plain paths', async () => {
    const asked: string[] = [];
    const driver = (name: string, schemes: string[], takesPaths: boolean): ReturnType<typeof defineDriver> =>
      defineDriver({
        name,
        schemes,
        takesPaths,
        version: [1, 0, 0],
        major: 7,
        identify: async (spec) => spec,
        open: async ({ spec, scheme }) => {
          asked.push(`${name} ${scheme} ${spec}`);
          return new TestDisk(8);
        },
      });
    const engine = createEngine({
      types: [driver('files', ['file'], true), driver('net', ['nbd', 'nbd+unix'], false)],
    });
    const ports: Port[] = [];
    for (const name of ['nbd+unix:///x?socket=s', '/tmp/a:b', 'file:/tmp/c', 'odd:thing'])
      ports.push(await engine.open(name));
    expect(asked).toEqual([
      'net nbd+unix ///x?socket=s',
      'files  /tmp/a:b',
      'files file /tmp/c',
      'files  odd:thing',
    ]);
    for (const port of ports) port.close();
    await engine.close();
  });
});
