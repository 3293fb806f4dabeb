import { BioOp, Status } from '@interposer/core';
import { Random } from '@interposer/conformance';
import { afterEach, describe, expect, it } from 'vitest';
import { DISK, EPERM, OK, Setup } from './support.ts';

const { Read, Write, Flush, Discard, WriteZeroes } = BioOp;

describe('rules', () => {
  let setup: Setup;

  afterEach(() => setup.stop());

  async function start(spec: string): Promise<void> {
    setup = new Setup();
    await setup.start(spec);
  }

  it('none: everything passes', async () => {
    await start('access');
    for (const op of [Write, Read, Flush, Discard, WriteZeroes])
      expect(setup.send(op, 0, op === Flush ? 0 : 8)).toEqual(OK);
    expect(await setup.status()).toBe('refused=0 deny=0 ro=0 worm=0 audited=0');
    expect(await setup.args()).toBe('');
  });

  it('ro: what touches the range is refused as a whole, and nothing of it is written', async () => {
    await start('access ro:8+8');
    expect(setup.send(Write, 0, 8)).toEqual(OK);
    expect(setup.send(Write, 16, 8)).toEqual(OK);
    for (const [sector, count] of [
      [8, 8],
      [7, 2],
      [15, 2],
      [0, 24],
      [9, 1],
    ] as const) {
      expect(setup.send(Write, sector, count)).toEqual(EPERM);
      expect(setup.send(Discard, sector, count)).toEqual(EPERM);
      expect(setup.send(WriteZeroes, sector, count)).toEqual(EPERM);
      expect(setup.send(Read, sector, count)).toEqual(OK);
    }
    expect(setup.send(Flush, 0, 0)).toEqual(OK);
    expect(setup.contents(0, 32)).toBe('77777777........77777777........');
    expect(setup.disk.arrived).toEqual([5, 2, 1, 0, 0]);
    expect(await setup.status()).toBe('refused=15 deny=0 ro=15 worm=0 audited=0');
  });

  it('ro without a range is for the whole device, the last sector too', async () => {
    await start('access ro');
    expect(setup.send(Write, 0, 1)).toEqual(EPERM);
    expect(setup.send(Write, 1023, 1)).toEqual(EPERM);
    expect(setup.send(Read, 1023, 1)).toEqual(OK);
    // The rule is no limit of the device: it stays open for writing, and the rule may go.
    expect(setup.port.limits.readOnly).toBe(false);
    await setup.message('remove ro');
    expect(setup.send(Write, 1023, 1)).toEqual(OK);
  });

  it('deny: neither read nor written, and a denied read shows nothing', async () => {
    await start('access');
    setup.send(Write, 0, 24);
    await setup.message('add deny:8+8');
    const buffer = new Uint8Array(16 * 512).fill(9);
    expect(setup.send(Read, 0, 16, buffer)).toEqual(EPERM);
    expect(buffer).toEqual(new Uint8Array(16 * 512));
    for (const op of [Write, Discard, WriteZeroes]) expect(setup.send(op, 15, 1)).toEqual(EPERM);
    expect(setup.send(Read, 0, 8)).toEqual(OK);
    expect(setup.send(Read, 16, 8)).toEqual(OK);
    expect(setup.send(Flush, 0, 0)).toEqual(OK);
    expect(setup.disk.arrived[Read]).toBe(2);
    expect(await setup.status()).toBe('refused=4 deny=4 ro=0 worm=0 audited=0');
  });

  it('where rules overlap the strictest decides, in whatever order they are given', async () => {
    await start('access worm:0+32 ro:8+16 deny:12+4');
    expect(setup.send(Write, 0, 9)).toEqual(EPERM);
    expect(setup.send(Write, 0, 8)).toEqual(OK);
    expect(setup.send(Write, 0, 8)).toEqual(EPERM);
    expect(setup.send(Read, 8, 4)).toEqual(OK);
    expect(setup.send(Read, 8, 5)).toEqual(EPERM);
    expect(await setup.status()).toBe('refused=3 deny=1 ro=1 worm=1 audited=0');
    await setup.message('remove deny:12+4');
    expect(setup.send(Read, 8, 5)).toEqual(OK);
    expect(setup.send(Write, 12, 1)).toEqual(EPERM);
    await setup.message('remove ro:8+16');
    expect(setup.send(Write, 12, 1)).toEqual(OK);
    expect(setup.send(Write, 12, 1)).toEqual(EPERM);
    expect(setup.send(Write, 40, 1)).toEqual(OK);
  });

  it('hundreds of rules: each bio meets those of its sectors and no others', async () => {
    const random = new Random(5);
    const modes = ['deny', 'ro'];
    const rules = new Map<string, readonly [mode: string, first: number, end: number]>();
    while (rules.size < 300) {
      const [mode, first, count] = [modes[random.below(2)]!, random.below(1000), random.between(1, 24)];
      rules.set(`${mode}:${String(first)}+${String(count)}`, [mode, first, first + count]);
    }
    await start(`access ${[...rules.keys()].slice(0, 150).join(' ')}`);
    await setup.message(`add ${[...rules.keys()].slice(150).join(' ')}`);
    const remaining = [...rules.entries()].slice(100);
    await setup.message(`remove ${[...rules.keys()].slice(0, 100).join(' ')}`);
    for (let i = 0; i < 3000; i++) {
      const [op, sector, count] = [random.below(2) as BioOp, random.below(1000), random.between(1, 24)];
      const refused = remaining.some(
        ([, [mode, first, end]]) =>
          sector < end && sector + count > first && (mode === 'deny' || op === Write),
      );
      expect(setup.send(op, sector, count)).toEqual(refused ? EPERM : OK);
    }
  });

  it('add and remove: several at once, all or none', async () => {
    await start('access ro:0+8');
    await setup.message('add deny:8+8 worm');
    expect(await setup.message('rules')).toBe('ro:0+8\ndeny:8+8\nworm');
    await expect(setup.message('add ro:16+8 ro:2000+1')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(setup.message('remove worm ro:1+1')).rejects.toMatchObject({
      code: 'ENOENT',
      message: expect.stringContaining('rules: ro:0+8 deny:8+8 worm'),
    });
    expect(await setup.message('rules')).toBe('ro:0+8\ndeny:8+8\nworm');
    await setup.message('remove ro:0+08 worm');
    expect(await setup.args()).toBe('deny:8+8');
    await setup.message('remove deny:8+8');
    expect(await setup.message('rules')).toBe('');
    await expect(setup.message('remove ro')).rejects.toMatchObject({
      code: 'ENOENT',
      message: expect.stringContaining('there are none'),
    });
  });

  it('a rule that comes while requests are under way is for those after it', async () => {
    await start('access');
    setup.disk.hold();
    const before = setup.send(Write, 0, 1);
    await setup.message('add ro');
    expect(setup.send(Write, 0, 1)).toEqual(EPERM);
    setup.disk.release();
    expect(before).toEqual(OK);
  });

  it.each([
    ['access', ''],
    ['access ro:8+08 deny', 'ro:8+8 deny'],
    [
      'access worm:0+1024 log=LOG audit written=allocated ro',
      'log=LOG written=allocated worm:0+1024 audit ro',
    ],
  ])('%s: shown as it would attach it again', async (spec, args) => {
    await start(spec);
    expect(await setup.args()).toBe(args);
    await setup.engine.detachFilter(DISK, 'access');
    await setup.attach(`access ${args}`);
    expect(await setup.args()).toBe(args);
  });

  it.each([
    [
      'access rw',
      '"rw" is no rule; rules: deny|ro|worm|audit|audit-all, each alone for the whole device or with :FIRST+COUNT',
    ],
    ['access ro:8', '"ro:8" is no rule'],
    ['access ro:8-16', '"ro:8-16" is no rule'],
    ['access ro:-8+16', '"ro:-8+16" is no rule'],
    ['access ro:8+0', 'COUNT is at least 1'],
    ['access ro:1020+5', 'sectors that the device has not: it has 1024'],
    ['access ro:9007199254740993+9007199254740993', 'sectors that the device has not'],
    ['access ro ro', 'the rule ro is there already'],
    ['access ro:8+8 ro:08+8', 'the rule ro:8+8 is there already'],
    ['access audit', 'the rule audit needs a log: attach the filter with log=FILE'],
    ['access log=audit.log', 'relative path'],
    ['access log=/ ro', 'log=/'],
    ['access log=/dev/null', '/dev/null is no regular file'],
    ['access log=/nowhere/at/all', 'ENOENT'],
    ['access written=all', '"written=all" is not one of log=FILE, written=allocated'],
    ['access mode=ro', '"mode=ro" is not one of'],
    [
      `access ${Array.from({ length: 1025 }, (_, i) => `ro:${String(i % 1024)}+${i < 1024 ? '1' : '2'}`).join(' ')}`,
      'at most 1024',
    ],
  ])('refuses %.60s', async (spec, reason) => {
    await start('access');
    await setup.engine.detachFilter(DISK, 'access');
    await expect(setup.attach(spec)).rejects.toMatchObject({ message: expect.stringContaining(reason) });
    expect(await setup.engine.filters(DISK)).toEqual([]);
    expect(setup.send(Write, 0, 8)).toEqual(OK);
  });

  it.each(['add', 'remove', 'rules all', 'list', 'log now', 'add audit', 'log', 'add ro'])(
    'refuses the message %s',
    async (words) => {
      await start('access ro');
      await expect(setup.message(words)).rejects.toMatchObject({
        code: 'EINVAL',
        message: expect.stringMatching(
          /messages: add RULE..., remove RULE..., rules, log|with log=FILE|is there already/,
        ),
      });
    },
  );

  it('a bio that fails below fails with its own status', async () => {
    await start('access worm');
    setup.disk.fail(Status.NoSpc);
    expect(setup.send(Write, 0, 1)).toEqual([Status.NoSpc]);
  });
});
