import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fail } from '../src/index.ts';
import { stampAt, stamped, type TestDisk } from './support/disks.ts';
import { spanType, targetType } from './support/plugins.ts';
import { read, Rig, settle } from './support/rig.ts';

let rig: Rig;
let a: TestDisk;
let b: TestDisk;
let calls: string[];

/** As `span`, with the device opened in a mode of its own. */
const spanIn = (mode: 'read' | 'write') =>
  spanType(`for-${mode}`, () => ({}), {
    params: [
      { name: 'device', kind: 'device', mode, about: '' },
      { name: 'offset', kind: 'sector', about: '' },
    ],
  });

beforeEach(() => {
  calls = [];
  rig = new Rig(
    spanType('live', (port) => ({ close: () => void calls.push(`${port.device.name} close`) })),
    targetType('fixed', () => ({}), { features: { immutable: true } }),
    targetType('alone', () => ({}), { features: { singleton: true } }),
    targetType('writes', () => ({}), { features: { alwaysWriteable: true } }),
    spanIn('read'),
    spanIn('write'),
    targetType('zero', () => ({})),
    targetType('says', () => {
      throw fail('ENOSPC', 'no room');
    }),
    targetType('late', () => {
      throw new Error('no luck');
    }),
  );
  a = rig.disks.add('a', 1024);
  b = rig.disks.add('b', 1024);
  a.data.set(stamped('a', 0, 1024));
});

afterEach(() => rig.finish());

describe('a device that two parameters open in different modes', () => {
  it('is opened in both, unless the first may write', async () => {
    await rig.engine.create('m', {
      table: '0 8 for-read disk:a 0\n8 8 for-write disk:a 8\n16 8 for-read disk:a 0',
    });
    await rig.engine.create('n', { table: '0 8 for-write disk:b 0\n8 8 for-read disk:b 8' });
    const modes = (name: string) => rig.device(name).driverPorts.map(({ mode }) => mode);
    expect(modes('m')).toEqual(['read', 'write']);
    expect(modes('n')).toEqual(['write']);
  });
});

describe('a table that is refused', () => {
  it.each([
    ['an immutable target among others', '0 8 fixed\n8 8 zero', 'immutable target type cannot be mixed'],
    ['a singleton among others', '0 8 zero\n8 8 alone', 'singleton target type must appear alone in table'],
    ['no line at all', '# nothing', 'the table is empty'],
    [
      'a target beyond its device',
      '0 8 span disk:a 1020',
      'a too small for target: start=1020, len=8, dev_size=1024',
    ],
    ['one that is longer than its device', '0 2000 span disk:a 0', 'start=0, len=2000, dev_size=1024'],
    ['a device that is not there', '0 8 span disk:none 0', 'Device lookup failed: no disk none'],
    ['a number nobody has', '0 8 span 99:9 0', 'Device lookup failed: no device 99:9'],
    ['what the target itself refuses', '0 8 zero\n8 8 says', 'table line 2: says: no room'],
    ['words for a target that takes none', '0 8 zero x', 'too many arguments'],
  ])('%s', async (_what, table, message) => {
    await expect(rig.engine.create('m', { table })).rejects.toThrow(message);
    expect(await rig.engine.list()).toEqual([]);
  });

  it('gives up everything it had acquired', async () => {
    await expect(
      rig.engine.create('m', { table: '0 8 live disk:a 0\n8 8 live disk:b 0\n16 8 late' }),
    ).rejects.toThrow('no luck');
    await expect(
      rig.engine.create('m', { table: '0 8 live disk:a 0\n8 8 live disk:b 1020' }),
    ).rejects.toThrow('too small');
    expect(calls).toEqual(['a close', 'b close', 'b close', 'a close']);
    await settle();
    expect([a.isOpen, b.isOpen]).toEqual([false, false]);
  });

  it('leaves the live one, and the loaded one, as they are', async () => {
    await rig.engine.create('m', { table: '0 8 span disk:a 0' });
    await rig.engine.load('m', '0 16 span disk:a 0');
    await expect(rig.engine.load('m', '0 8 nosuch')).rejects.toThrow(
      'table line 1: nosuch: unknown target type',
    );
    expect(await rig.engine.table('m', { inactive: true })).toHaveLength(1);
  });

  it('in a device with a larger block: what is not aligned to it', async () => {
    rig.disks.add('big', 1024, { logicalBlock: 4096 });
    for (const [table, text] of [
      ['0 8 span disk:big 4', 'start=4 not aligned to h/w logical block size 4096 of big'],
      ['0 12 span disk:big 0', 'len=12 not aligned to h/w logical block size 4096 of big'],
      ['0 8 span disk:big 0\n8 4 zero', '(start sect 8 len 4) not aligned to h/w logical block size 4096'],
      ['0 4 zero\n4 8 span disk:big 0\n12 4 zero', '(start sect 4 len 8) not aligned'],
    ] as const)
      await expect(rig.engine.create('m', { table })).rejects.toThrow(text);
    await rig.engine.create('m', { table: '0 8 span disk:big 0\n8 4 zero\n16 4 zero'.replace('16', '12') });
  });

  it('read-only: a target that must write, and a device nobody may write to is opened for reading', async () => {
    await expect(rig.engine.create('m', { table: '0 8 writes', readOnly: true })).rejects.toThrow(
      'target type may not be included in a read-only table',
    );
    rig.disks.add('ro', 64, { readOnly: true });
    await expect(rig.engine.create('m', { table: '0 8 span disk:ro 0' })).rejects.toMatchObject({
      code: 'EROFS',
    });
    await rig.engine.create('m', { table: '0 8 span disk:ro 0', readOnly: true });
    expect((await rig.engine.info('m')).readOnly).toBe(true);
  });

  it('in place of an immutable target: all but its own kind and wildcards', async () => {
    await rig.engine.create('m', { table: '0 8 fixed' });
    await expect(rig.engine.load('m', '0 8 zero')).rejects.toThrow(
      "can't replace immutable target type fixed",
    );
    await rig.engine.load('m', '0 16 fixed');
    await rig.engine.load('m', '0 8 error');
    await rig.engine.resume('m');
    expect((await rig.engine.table('m'))[0]?.type).toBe('error');
  });
});

describe('devices below a table', () => {
  it('are opened once, whichever rows use them, with the stronger claim', async () => {
    await rig.engine.create('m', {
      table: '0 8 span disk:a 0 noexcl\n8 8 span disk:b 0\n16 8 span disk:a 8 excl',
    });
    expect(a.opens).toBe(1);
    const { ports } = rig.device('a');
    expect([...ports].map(({ claim }) => claim)).toEqual(['exclusive']);
    expect((await rig.engine.deps('m')).map(({ name }) => name)).toEqual(['b', 'a']);
    await expect(rig.engine.open('disk:a', { claim: 'shared' })).rejects.toMatchObject({ code: 'EBUSY' });
    await rig.engine.create('n', { table: '0 8 span disk:a 16' });
    await rig.engine.create('k', { table: '0 8 span disk:b 16 noexcl\n8 8 span disk:b 0 noexcl' });
  });

  it('claimed by somebody else make a table EBUSY, unless it says noexcl', async () => {
    const port = await rig.open('disk:a', { claim: 'exclusive' });
    await expect(rig.engine.create('m', { table: '0 8 span disk:a 0' })).rejects.toMatchObject({
      code: 'EBUSY',
    });
    await rig.engine.create('m', { table: '0 8 span disk:a 0 noexcl' });
    port.close();
  });

  it('are found by name, node and number', async () => {
    await rig.engine.create('low', { table: '0 64 span disk:a 5' });
    await rig.engine.create('m', { table: '0 8 span low 0\n8 8 span /dev/mapper/low 8\n16 8 span 254:0 16' });
    const port = await rig.open('m');
    expect([0, 8, 16].map((sector) => stampAt(read(port, sector).buffer))).toEqual(['a5', 'a13', 'a21']);
    expect(await rig.engine.deps('m')).toEqual([{ name: 'low', major: 254, minor: 0 }]);
  });

  it('have a table if they are mapped devices', async () => {
    await rig.engine.create('none');
    await expect(rig.engine.create('m', { table: '0 8 span none 0' })).rejects.toMatchObject({
      code: 'ENXIO',
      message: 'table line 1: span: Device lookup failed: none has no table',
    });
  });
});

describe('stacking', () => {
  it('refuses a device on itself, directly or not, also through a table that only waits', async () => {
    await rig.engine.create('m', { table: '0 64 span disk:a 0' });
    await expect(rig.engine.load('m', '0 8 span m 0')).rejects.toMatchObject({ code: 'ELOOP' });
    await rig.engine.create('n', { table: '0 64 span m 0' });
    await rig.engine.create('o', { table: '0 64 span disk:a 0' });
    await rig.engine.load('o', '0 64 span n 0');
    await expect(rig.engine.load('m', '0 64 span n 0')).rejects.toMatchObject({ code: 'ELOOP' });
    await expect(rig.engine.load('m', '0 64 span o 0')).rejects.toMatchObject({ code: 'ELOOP' });
    expect((await rig.engine.info('m')).openCount).toBe(1);
  });

  it('refuses a stack that is too deep, counted through what stands above', async () => {
    const chain = async (letter: string, length: number, bottom: string): Promise<string> => {
      let below = bottom;
      for (let i = 0; i < length; i++) {
        await rig.engine.create(`${letter}${String(i)}`, { table: `0 8 span ${below} 0` });
        below = `${letter}${String(i)}`;
      }
      return below;
    };
    const lower = await chain('l', 16, 'disk:a');
    const top = await chain('u', 16, 'disk:b');
    await rig.engine.load('u0', `0 8 span ${lower} 0`);
    await rig.engine.resume('u0');
    expect(rig.device(top).path.rank).toBe(32);
    await expect(rig.engine.create('x', { table: `0 8 span ${top} 0` })).rejects.toMatchObject({
      code: 'ELOOP',
    });
    await rig.engine.create('y', { table: '0 8 span disk:b 0' });
    await rig.engine.load('l0', '0 8 span disk:b 0');
    await expect(rig.engine.load('l0', '0 8 span y 0')).rejects.toMatchObject({
      code: 'ELOOP',
      message: 'the stack would be 33 devices deep; at most 32 are allowed',
    });
  });
});
