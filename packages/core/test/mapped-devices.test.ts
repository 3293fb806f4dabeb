import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Status } from '../src/index.ts';
import { read, Rig } from './support/rig.ts';

let rig: Rig;

beforeEach(() => {
  rig = new Rig();
  rig.disks.add('a', 1024);
});

afterEach(() => rig.finish());

function refusal(code: string, text: string): unknown {
  return expect.objectContaining({ code, message: expect.stringContaining(text) });
}

describe('names', () => {
  it.each([
    ['', 'the name is empty'],
    ['a/b', 'It contains "/"'],
    ['.', 'is reserved'],
    ['..', 'is reserved'],
    ['control', 'is reserved'],
    ['7:0', 'reads as a device number'],
    ['x'.repeat(128), 'too long'],
  ])('refuses "%s"', async (name, text) => {
    await expect(rig.engine.create(name)).rejects.toEqual(refusal('EINVAL', text));
    await rig.engine.create('m');
    await expect(rig.engine.rename('m', name)).rejects.toEqual(refusal('EINVAL', text));
  });

  it('are unique, and listed in order', async () => {
    for (const name of ['b', 'a b', 'B', 'x'.repeat(127), 'a']) await rig.engine.create(name);
    await expect(rig.engine.create('b')).rejects.toEqual(
      refusal('EBUSY', 'there is a mapped device b already'),
    );
    expect((await rig.engine.list()).map(({ name }) => name)).toEqual([
      'B',
      'a',
      'a b',
      'b',
      'x'.repeat(127),
    ]);
  });

  it('change at any time, under I/O and suspended, with an event', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0' });
    const port = await rig.open('m');
    await rig.engine.suspend('m');
    const sent = read(port, 0);
    const { eventNr } = await rig.engine.info('m');
    await rig.engine.rename('m', 'n');
    await expect(rig.engine.info('m')).rejects.toMatchObject({ code: 'ENXIO' });
    expect(await rig.engine.info('n')).toMatchObject({ eventNr: eventNr + 1, minor: 0 });
    await expect(rig.engine.rename('n', 'n')).rejects.toMatchObject({ code: 'EBUSY' });
    await rig.engine.resume('n');
    expect(sent.status).toBe(Status.Ok);
    await expect(rig.engine.rename('gone', 'x')).rejects.toMatchObject({ code: 'ENXIO' });
  });
});

describe('uuids', () => {
  it('are unique, set at creation or once later, and no longer than allowed', async () => {
    await rig.engine.create('m', { uuid: 'U1' });
    await expect(rig.engine.create('n', { uuid: 'U1' })).rejects.toEqual(
      refusal('EBUSY', 'uuid U1 is that of m'),
    );
    const { eventNr } = await rig.engine.create('n');
    await rig.engine.create('o');
    await expect(rig.engine.setUuid('n', '')).rejects.toEqual(refusal('EINVAL', 'empty'));
    await expect(rig.engine.setUuid('n', 'u'.repeat(129))).rejects.toEqual(
      refusal('EINVAL', 'longer than 128'),
    );
    await expect(rig.engine.setUuid('n', 'U1')).rejects.toMatchObject({ code: 'EBUSY' });
    await rig.engine.setUuid('n', 'u'.repeat(128));
    expect(await rig.engine.info('n')).toMatchObject({ uuid: 'u'.repeat(128), eventNr: eventNr + 1 });
    await expect(rig.engine.setUuid('m', 'U2')).rejects.toEqual(
      refusal('EINVAL', 'Unable to change uuid of mapped device m to U2 because uuid is already set to U1'),
    );
  });
});

describe('minors', () => {
  it('are the lowest that is free, or the one asked for', async () => {
    const minor = async (name: string, wanted?: number): Promise<number> =>
      (await rig.engine.create(name, wanted === undefined ? {} : { minor: wanted })).minor;
    expect([await minor('a'), await minor('b', 2), await minor('c'), await minor('d')]).toEqual([0, 2, 1, 3]);
    await rig.engine.remove('c');
    expect(await minor('e')).toBe(1);
    await expect(minor('f', 2)).rejects.toMatchObject({ code: 'EBUSY' });
    for (const bad of [-1, 1.5, 2 ** 20])
      await expect(minor('f', bad)).rejects.toMatchObject({ code: 'EINVAL' });
  });
});
