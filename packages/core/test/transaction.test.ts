import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Edit, fail, type Port, PreResult, Status } from '../src/index.ts';
import { stampAt, stamped, type TestDisk } from './support/disks.ts';
import { filterType, spanType, witness } from './support/plugins.ts';
import { DRAIN_TIMEOUT, read, Rig, settle } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
let log: string[];
let refuses: Error | null;

beforeEach(async () => {
  log = [];
  refuses = null;
  const calls = (name: string) => ({
    postsuspend: () => void log.push(`${name} postsuspend`),
    preresume: () => {
      log.push(`${name} preresume`);
      if (name === 'heavy' && refuses !== null) throw refuses;
    },
    resume: () => void log.push(`${name} resume`),
    close: () => void log.push(`${name} close`),
  });
  rig = new Rig(
    witness('one', '100', log),
    witness('two', '200', log),
    filterType('stays', '300', () => ({ queryDetach: () => 'it has work to do' })),
    filterType('keeps', '400', () => ({ pre: () => PreResult.Taken })),
    filterType('fails', '500', () => {
      throw fail('ENOSPC', 'no room');
    }),
    filterType('told', '600', () => ({ detach: () => void log.push('told detach') })),
    filterType('sore', '700', () => ({ detach: () => Promise.reject(fail('EIO', 'it hurts')) })),
    spanType('light', () => calls('light')),
    spanType('heavy', () => calls('heavy')),
  );
  disk = rig.disks.add('a', 64);
  disk.data.set(stamped('a', 0, 64));
  rig.disks.add('b', 64).data.set(stamped('b', 0, 64));
  await rig.engine.create('m', { table: '0 32 light disk:a 0' });
  log.length = 0;
});

afterEach(() => rig.finish());

const reload = (table: string): Edit => ({ kind: 'reload', device: 'm', table });
const attach = (device: string, filter: string): Edit => ({ kind: 'attach', device, filter });

async function stacks(): Promise<string[]> {
  return (await rig.engine.filters()).map(({ device, type, altitude }) => `${device} ${type}@${altitude}`);
}

function stampOf(port: Port, sector: number): string {
  const sent = read(port, sector);
  expect(sent.status).toBe(Status.Ok);
  return stampAt(sent.buffer);
}

describe('a transaction', () => {
  it('puts edits of several devices in place in one turn', async () => {
    const port = await rig.open('m');
    await rig.engine.attachFilter('disk:a', 'one');
    disk.hold = true;
    const before = read(port, 0);
    const done = rig.engine.transaction([
      attach('m', 'one@150'),
      { kind: 'swap', device: 'disk:a', old: 'one', new: 'two' },
      reload('0 32 heavy disk:a 32'),
      { kind: 'detach', device: 'm', filter: '150' },
      attach('m', 'two'),
    ]);
    await settle();
    const after = read(port, 0);
    disk.release();
    await done;
    expect([stampAt(before.buffer), stampAt(after.buffer)]).toEqual(['a0', 'a32']);
    expect(await stacks()).toEqual(['m two@200', 'a two@100']);
    expect(log.filter((line) => !line.includes('read'))).toEqual([
      '<one',
      'light postsuspend',
      'heavy preresume',
      'heavy resume',
      '<two',
      '<two',
      'light close',
    ]);
  });

  it('starts and finishes remaps together with the table they lead to', async () => {
    await rig.engine.create('n', { table: '0 64 light disk:b 0' });
    await rig.engine.transaction([
      { kind: 'reload', device: 'n', table: '0 32 light disk:a 32 noexcl\n32 32 light disk:a 0 noexcl' },
      { kind: 'remap-start', mapped: 'n', device: 'disk:a', altitude: '7' },
    ]);
    expect(stampOf(await rig.open('m'), 1)).toBe('a33');
    expect(await rig.engine.remaps()).toEqual([{ mapped: 'n', device: 'a', altitude: '7' }]);
    await rig.engine.transaction([
      { kind: 'remap-finish', mapped: 'n' },
      { kind: 'reload', device: 'n', table: '0 64 light disk:b 0' },
    ]);
    expect(stampOf(await rig.open('m'), 1)).toBe('a1');
    expect(stampOf(await rig.open('n'), 1)).toBe('b1');
  });

  it('judges sizes by what it leaves, in any order of its edits', async () => {
    await rig.engine.create('n', { table: '0 64 light disk:b 0' });
    const start: Edit = { kind: 'remap-start', mapped: 'n', device: 'disk:a' };
    const resize = (sectors: number): Edit => ({
      kind: 'reload',
      device: 'n',
      table: `0 ${String(sectors)} light disk:b 0`,
    });
    for (const edits of [
      [resize(32), start],
      [start, resize(32)],
    ]) {
      await expect(rig.engine.transaction(edits)).rejects.toMatchObject({
        code: 'EINVAL',
        message: 'n has 32 sectors, too few to stand in for a, which has 64',
      });
    }
    await rig.engine.transaction([resize(32)]);
    await rig.engine.transaction([start, resize(64)]);
    expect(stampOf(await rig.open('m'), 1)).toBe('b1');
    await expect(rig.engine.transaction([resize(32)])).rejects.toMatchObject({ code: 'EINVAL' });
    await rig.engine.transaction([{ kind: 'remap-finish', mapped: 'n' }, resize(32)]);
  });

  it('may start and finish a remap, and move one from device to device', async () => {
    await rig.engine.create('n', { table: '0 64 light disk:b 0' });
    await rig.engine.create('o', { table: '0 16 light disk:a 8' });
    await rig.engine.transaction([
      { kind: 'remap-start', mapped: 'n', device: 'disk:a' },
      { kind: 'remap-finish', mapped: 'n' },
    ]);
    expect(await stacks()).toEqual([]);
    await rig.engine.startRemap('n', 'm');
    await rig.engine.transaction([
      { kind: 'remap-finish', mapped: 'n' },
      { kind: 'remap-start', mapped: 'n', device: 'o' },
    ]);
    expect(await rig.engine.remaps()).toEqual([{ mapped: 'n', device: 'o', altitude: '200000' }]);
    expect(stampOf(await rig.open('o'), 0)).toBe('b0');
  });

  it('follows limits of tables that change together, in any order', async () => {
    rig.disks.add('c', 64, { logicalBlock: 4096 });
    await rig.engine.create('n', { table: '0 64 light disk:a 0' });
    await rig.engine.create('o', { table: '0 64 light n 0' });
    const edits: Edit[] = [
      { kind: 'reload', device: 'n', table: '0 64 light disk:c 0' },
      { kind: 'reload', device: 'o', table: '0 64 light n 0' },
    ];
    for (const order of [edits, edits.toReversed()]) {
      await rig.engine.transaction(order);
      expect(rig.device('o').limits.logicalBlock).toBe(4096);
      await rig.engine.transaction([{ kind: 'reload', device: 'n', table: '0 64 light disk:a 0' }]);
      expect(rig.device('o').limits.logicalBlock).toBe(512);
    }
  });

  it('with nothing in it does nothing', async () => {
    await rig.engine.transaction([]);
    expect(log).toEqual([]);
  });

  it('resumes a suspended device that it gives a table', async () => {
    await rig.engine.suspend('m');
    const sent = read(await rig.open('m'), 0);
    await rig.engine.transaction([reload('0 32 heavy disk:a 32')]);
    expect(stampAt(sent.buffer)).toBe('a32');
    expect(await rig.engine.info('m')).toMatchObject({ suspended: false });
    expect(log.filter((line) => line.startsWith('heavy'))).toEqual(['heavy preresume', 'heavy resume']);
  });

  it('leaves what is loaded already where it is', async () => {
    await rig.engine.load('m', '0 16 light disk:b 0');
    await rig.engine.transaction([reload('0 32 heavy disk:a 32')]);
    expect(await rig.engine.info('m')).toMatchObject({ sectors: 32, inactive: true });
  });

  it('is done though a filter that went has something to say', async () => {
    await rig.engine.attachFilter('m', 'sore');
    await rig.engine.attachFilter('m', 'told');
    await expect(
      rig.engine.transaction([
        { kind: 'detach', device: 'm', filter: 'sore' },
        { kind: 'detach', device: 'm', filter: 'told' },
      ]),
    ).rejects.toThrow('it hurts');
    expect(await stacks()).toEqual([]);
    expect(log.filter((line) => !line.includes('light'))).toEqual(['told detach']);
  });
});

describe('a transaction that fails changes nothing', () => {
  const first = [attach('m', 'two'), attach('disk:a', 'told')];

  it.each<[string, Edit, string, string]>([
    ['a clash', attach('m', 'one@200'), 'EBUSY', 'altitude 200 on m is taken by two'],
    ['a filter that cannot be', attach('m', 'fails'), 'ENOSPC', 'no room'],
    ['an unknown type', attach('m', 'what'), 'EINVAL', 'unknown filter type "what"'],
    ['an unknown device', attach('disk:c', 'one'), 'ENOENT', 'no disk c'],
    ['a veto', { kind: 'detach', device: 'm', filter: 'stays' }, 'EBUSY', 'stays@300 on m will not go'],
    [
      'a filter that is not there',
      { kind: 'detach', device: 'm', filter: 'one' },
      'ENOENT',
      'no filter one on m',
    ],
    ['a bad table', reload('0 32 heavy disk:a 64'), 'EINVAL', 'too small for target'],
    ['a table on itself', reload('0 32 heavy m 0'), 'ELOOP', 'm would be stacked on itself'],
    [
      'a table for a bare device',
      { kind: 'reload', device: 'bare', table: '0 8 heavy disk:a 0' },
      'EINVAL',
      'no table yet',
    ],
    ['a remap of nothing', { kind: 'remap-finish', mapped: 'm' }, 'EINVAL', 'm stands in for no device'],
    ['an unknown edit', { kind: 'juggle' } as unknown as Edit, 'EINVAL', 'unknown edit "juggle"'],
  ])('by %s', async (_what, edit, code, message) => {
    await rig.engine.create('bare');
    await rig.engine.attachFilter('m', 'stays');
    const uses = rig.device('a').ports.size;
    await expect(
      rig.engine.transaction([...first, reload('0 32 heavy disk:a 32'), edit]),
    ).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/^edit 4, /) as string,
      cause: expect.objectContaining({ message: expect.stringContaining(message) as string }) as Error,
    });
    expect(await stacks()).toEqual(['m stays@300']);
    expect(stampOf(await rig.open('m'), 0)).toBe('a0');
    expect(rig.device('a').ports.size).toBe(uses);
    expect(new Set(log.filter((line) => /detach|close/.test(line)))).toEqual(
      new Set(['heavy close', 'told detach']),
    );
    await rig.engine.detachFilter('m', 'stays', { force: true });
  });

  it('by tables that lead to one another', async () => {
    await rig.engine.create('n', { table: '0 64 light disk:b 0' });
    await expect(
      rig.engine.transaction([
        reload('0 32 light n 0'),
        { kind: 'reload', device: 'n', table: '0 32 light m 0' },
      ]),
    ).rejects.toMatchObject({ code: 'ELOOP', message: 'm would be stacked on itself' });
    expect(stampOf(await rig.open('m'), 0)).toBe('a0');
  });

  it('by edits that are too deep together, in any order', async () => {
    await rig.engine.create('n', { table: '0 64 light disk:b 0' });
    await rig.engine.create('l1', { table: '0 64 light disk:b 0' });
    for (let i = 2; i <= 31; i++)
      await rig.engine.create(`l${String(i)}`, { table: `0 64 light l${String(i - 1)} 0` });
    const edits: Edit[] = [
      { kind: 'remap-start', mapped: 'n', device: 'disk:a' },
      { kind: 'reload', device: 'n', table: '0 64 light l31 0' },
    ];
    for (const order of [edits, edits.toReversed()]) {
      await expect(rig.engine.transaction(order)).rejects.toMatchObject({ code: 'ELOOP' });
    }
  });

  it('and says why, whatever a filter says to its end', async () => {
    await expect(rig.engine.transaction([attach('m', 'sore'), attach('m', 'one@700')])).rejects.toMatchObject(
      { code: 'EBUSY' },
    );
    expect(rig.logs).toEqual(['it hurts']);
  });

  it('by a table that cannot start, and the old one goes on', async () => {
    refuses = fail('EIO', 'bad metadata');
    const sent = read(await rig.open('m'), 0);
    await expect(rig.engine.transaction([...first, reload('0 32 heavy disk:a 32')])).rejects.toThrow(
      'bad metadata',
    );
    expect(sent.status).toBe(Status.Ok);
    expect(await stacks()).toEqual([]);
    expect(stampOf(await rig.open('m'), 0)).toBe('a0');
    expect(log).toEqual([
      'light postsuspend',
      'heavy preresume',
      'light preresume',
      'light resume',
      'told detach',
      'heavy close',
    ]);
  });

  it('by a bio that stays inside, which is named; requests that waited go on', async () => {
    const port = await rig.open('m');
    await rig.engine.attachFilter('disk:a', 'keeps');
    const stuck = read(port, 3);
    const done = rig.engine.transaction([...first, reload('0 32 heavy disk:a 32')]);
    const failure = expect(done).rejects.toMatchObject({
      code: 'ETIMEDOUT',
      message: `m did not drain in ${String(DRAIN_TIMEOUT)} ms; stuck: read 3+1 held by filter keeps@400 on a`,
    });
    await settle();
    rig.clock.advance(DRAIN_TIMEOUT);
    await failure;
    expect(await stacks()).toEqual(['a keeps@400']);
    await rig.engine.detachFilter('disk:a', 'keeps', { force: true });
    expect(stuck.status).toBe(Status.Io);
    expect(stampOf(port, 0)).toBe('a0');
  });
});

describe('swap', () => {
  it('puts a filter in the place of another in one step', async () => {
    await rig.engine.attachFilter('m', 'one@123.5');
    expect(await rig.engine.swapFilter('m', 'one', 'two')).toMatchObject({ type: 'two', altitude: '123.5' });
    expect(await rig.engine.swapFilter('m', '123.5', 'one@77')).toMatchObject({ altitude: '77' });
    expect(await stacks()).toEqual(['m one@77']);
  });

  it('keeps the old one where the new one cannot be', async () => {
    await rig.engine.attachFilter('m', 'one');
    await rig.engine.attachFilter('m', 'stays');
    await expect(rig.engine.swapFilter('m', 'one', 'fails')).rejects.toThrow('no room');
    await expect(rig.engine.swapFilter('m', 'stays', 'one@1')).rejects.toMatchObject({ code: 'EBUSY' });
    expect(await stacks()).toEqual(['m stays@300', 'm one@100']);
    await rig.engine.detachFilter('m', 'stays', { force: true });
  });
});
