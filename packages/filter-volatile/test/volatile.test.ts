import { type ChaosDisk, chaosDriver } from '@interposer/conformance';
import { BioOp, createEngine, type Engine, type Port, SECTOR_SIZE, Status } from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { volatile } from '../src/index.ts';

const DISK = 'chaos:d';

describe('the volatile filter', () => {
  let engine: Engine;
  let disk: ChaosDisk;
  let port: Port;

  beforeEach(async () => {
    const chaos = chaosDriver();
    disk = chaos.add('d', { sectors: 1024 });
    engine = createEngine({ types: [chaos, ram, volatile] });
    port = await engine.open(DISK, { claim: 'shared' });
  });

  afterEach(async () => {
    disk.heal();
    port.close();
    await engine.close();
  });

  function attach(args = ''): Promise<unknown> {
    return engine.attachFilter(DISK, `volatile ${args}`);
  }

  function message(words: string): Promise<string> {
    return engine.messageFilter(DISK, 'volatile', words.split(' '));
  }

  async function state(): Promise<{ args: string; status: string }> {
    const [filter] = await engine.filters(DISK);
    return { args: filter!.args, status: filter!.status };
  }

  async function writeSome(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await port.write(8 * i, new Uint8Array(8 * SECTOR_SIZE).fill(1 + i));
  }

  function bytes(): string {
    return Buffer.from(disk.data.filter((_, at) => at % SECTOR_SIZE === 0)).toString('hex');
  }

  it('tells that writes need a flush, and how many wait for one', async () => {
    await attach();
    expect(port.limits.volatileCache).toBe(true);
    await writeSome(3);
    await port.discard(512, 8);
    expect((await state()).status).toBe('power=on dirty=4 bytes=12800 cuts=0');
    expect(disk.requests).toBe(0);
    await port.flush();
    expect((await state()).status).toBe('power=on dirty=0 bytes=0 cuts=0');
  });

  it('cut, on: what a given seed leaves, and that everything fails between', async () => {
    await attach('keep=60 torn=30');
    await writeSome(40);
    const report = await message('cut seed=7');
    expect(report).toMatch(/^seed=7 kept=\d+ torn=\d+ lost=\d+$/);
    const [, kept, torn, lost] = report
      .split(/ ?\w+=/)
      .slice(1)
      .map(Number) as [number, number, number, number];
    expect(kept + torn + lost).toBe(40);
    expect((await state()).status).toBe('power=off dirty=0 bytes=0 cuts=1');
    await expect(port.read(0, 1)).rejects.toMatchObject({ code: 'EIO' });
    await expect(port.write(0, new Uint8Array(512))).rejects.toMatchObject({ code: 'EIO' });
    await expect(port.flush()).rejects.toMatchObject({ code: 'EIO' });
    expect(await message('on')).toBe('');
    expect((await state()).status).toBe('power=on dirty=0 bytes=0 cuts=1');
    expect((await port.read(0, 1024)).filter((_, at) => at % SECTOR_SIZE === 0)).toEqual(
      disk.data.filter((_, at) => at % SECTOR_SIZE === 0),
    );
  });

  it('the same seed does the same to the same writes; a cut says otherwise than the settings', async () => {
    await attach('torn=50');
    const left: string[] = [];
    for (const words of ['seed=7', 'seed=7', 'seed=8', 'seed=7 keep=100 torn=0', 'seed=7 keep=0']) {
      disk.data.fill(0);
      await writeSome(30);
      await message(`cut ${words} on`);
      left.push(bytes());
    }
    expect(left[1]).toBe(left[0]);
    expect(left[2]).not.toBe(left[0]);
    disk.data.fill(0);
    expect(left[4]).toBe(bytes());
    for (let i = 0; i < 30; i++) disk.data.fill(1 + i, 8 * i * SECTOR_SIZE, 8 * (i + 1) * SECTOR_SIZE);
    expect(left[3]).toBe(bytes());
  });

  it('a cut without a seed draws one and tells it, so that it can be done again', async () => {
    await attach();
    const seeds = new Set<string>();
    for (let i = 0; i < 3; i++) {
      disk.data.fill(0);
      await writeSome(30);
      const drawn = await message('cut on');
      const first = bytes();
      const [seed = ''] = drawn.split(' ');
      seeds.add(seed);
      disk.data.fill(0);
      await writeSome(30);
      expect(await message(`cut ${seed} on`)).toBe(drawn);
      expect(bytes()).toBe(first);
    }
    expect(seeds.size).toBe(3);
  });

  it('with a seed of its own a run of several cuts repeats, each cut with chance of its own', async () => {
    const runs: string[][] = [];
    for (let run = 0; run < 2; run++) {
      await attach('seed=99');
      const reports: string[] = [];
      for (let i = 0; i < 3; i++) {
        disk.data.fill(0);
        await writeSome(30);
        reports.push(`${await message('cut on')} ${bytes()}`);
      }
      runs.push(reports);
      await engine.detachFilter(DISK, 'volatile');
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(new Set(runs[0]).size).toBe(3);
  });

  it('order=prefix: what survives are the first writes', async () => {
    await attach('order=prefix torn=0');
    await writeSome(30);
    const report = await message('cut seed=3 on');
    const kept = Number(/kept=(\d+)/.exec(report)?.[1]);
    expect(kept).toBeGreaterThan(0);
    for (let i = 0; i < 30; i++) expect(disk.data[8 * i * SECTOR_SIZE]).toBe(i < kept ? 1 + i : 0);
  });

  it('flush writes everything down as a device would at leisure', async () => {
    await attach();
    await writeSome(3);
    expect(await message('flush')).toBe('');
    expect((await state()).status).toBe('power=on dirty=0 bytes=0 cuts=0');
    expect(disk.data[0]).toBe(1);
    await writeSome(1);
    disk.fail(Status.NoSpc, { op: BioOp.Write });
    await expect(message('flush')).rejects.toMatchObject({ code: 'ENOSPC' });
    disk.heal();
    await message('flush');
  });

  it('set and show', async () => {
    await attach('seed=5 size=1M');
    expect(await state()).toMatchObject({ args: 'size=1M seed=5' });
    expect(await message('set keep=20 unit=4K order=prefix')).toBe('');
    expect(await state()).toMatchObject({ args: 'size=1M keep=20 unit=4096 order=prefix seed=5' });
    expect(await message('show')).toBe('size=1M\nkeep=20\ntorn=10\nunit=4096\norder=prefix\nseed=5');
    await message('set size=0');
    await writeSome(1);
    expect(disk.data[0]).toBe(1);
  });

  it('show says that seeds are random', async () => {
    await attach();
    expect(await message('show')).toMatch(/seed=random$/);
  });

  it.each([
    ['cut keep=101', '101 is not in 0..100'],
    ['cut unit=600', 'is no power of two'],
    ['cut unit=256', '256 is not in 512..65536'],
    ['cut order=some', 'is not one of any, prefix'],
    ['cut size=1M', '"size=1M" is not one of'],
    ['cut seed=4294967296', 'is not in 0..4294967295'],
    ['cut on on', '"on" is not one of'],
    ['cut now', '"now" is not one of'],
    ['set', 'messages: cut'],
    ['set colour=red', 'is not one of'],
    ['set unit=1000', 'is no power of two'],
    ['flush now', 'messages: cut'],
    ['on now', 'messages: cut'],
    ['off', 'messages: cut'],
  ])('refuses the message %s, and changes nothing', async (words, reason) => {
    await attach();
    await writeSome(1);
    await expect(message(words)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining(reason) as string,
    });
    expect(await state()).toEqual({ args: '', status: 'power=on dirty=1 bytes=4096 cuts=0' });
  });

  it.each(['torn=200', 'unit=3000', 'order=none', 'size=all', 'seed=-1', 'keep'])(
    'refuses to be attached with %s',
    async (args) => {
      await expect(attach(args)).rejects.toMatchObject({ code: 'EINVAL' });
    },
  );

  it('refuses to cut without power, and to switch on what is on', async () => {
    await attach();
    await expect(message('on')).rejects.toMatchObject({ code: 'EALREADY' });
    await message('cut');
    await expect(message('cut')).rejects.toMatchObject({ code: 'EALREADY' });
    await expect(message('flush')).rejects.toMatchObject({ code: 'EIO' });
    await message('on');
  });

  it('a cut whose survivors cannot be written says so; then the power is off', async () => {
    await attach('keep=100');
    await writeSome(2);
    disk.fail(Status.NoSpc, { op: BioOp.Write });
    await expect(message('cut')).rejects.toMatchObject({ code: 'ENOSPC' });
    expect((await state()).status).toMatch(/^power=off dirty=0/);
  });

  it('taken away with the power off, it leaves the device as the cut left it, and at work', async () => {
    await attach('keep=0');
    await writeSome(2);
    await message('cut');
    await engine.detachFilter(DISK, 'volatile');
    expect(await port.read(0, 1)).toEqual(new Uint8Array(512));
    await writeSome(1);
    expect(disk.data[0]).toBe(1);
  });

  it('over a ram disk, in an engine that closes: nothing acknowledged is lost', async () => {
    const other = await engine.open('ram:1M', { claim: 'shared' });
    await engine.attachFilter(other.device.number, 'volatile');
    await other.write(3, new Uint8Array(512).fill(9));
    await engine.swapFilter(other.device.number, 'volatile', 'volatile seed=1');
    expect((await other.read(3, 1))[0]).toBe(9);
    await engine.detachFilter(other.device.number, 'volatile');
    expect((await other.read(3, 1))[0]).toBe(9);
    other.close();
  });
});
