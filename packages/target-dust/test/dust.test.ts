import { type Engine, type Port, createEngine } from '@interposer/core';
import { chaosDriver, type ChaosDisk, Random } from '@interposer/conformance';
import { ram } from '@interposer/device-ram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dust, dustFilter } from '../src/index.ts';

const SECTORS = 256;

describe('dust', () => {
  let engine: Engine;
  let disk: ChaosDisk;
  let log: string[];
  let port: Port;

  async function create(args: string, start = 0): Promise<void> {
    await engine.create('x', { table: `${String(start)} 128 dust ${args}` });
    port = await engine.open('x');
  }

  const message = (text: string): Promise<string> => engine.message('x', 0, text.split(' '));
  const listed = async (): Promise<number[]> => {
    const answer = await message('listbadblocks');
    return answer.startsWith('No ') ? [] : answer.trimEnd().split('\n').map(Number);
  };
  const outcome = (request: Promise<unknown>): Promise<string> =>
    request.then(
      () => 'ok',
      (error: unknown) => (error as { code: string }).code,
    );

  beforeEach(() => {
    const driver = chaosDriver();
    disk = driver.add('a', { sectors: SECTORS });
    engine = createEngine({ types: [dust, dustFilter, driver, ram] });
    log = [];
    engine.onEvent((event) => {
      if (event.kind === 'log') log.push(event.message);
    });
  });

  afterEach(async () => {
    port.close();
    await engine.close();
  });

  it.each([
    [512, 0],
    [512, 5],
    [1024, 8],
    [4096, 8],
    [4096, 3],
  ])('agrees with a model of it: blocks of %i bytes from sector %i', async (size, offset) => {
    await create(`chaos:a ${String(offset)} ${String(size)}`);
    const random = new Random(size + offset);
    const model = new Model(size / 512, offset);
    for (let step = 0; step < 600; step++) {
      const [ours, theirs] = await stepOf(random, model);
      expect(ours, `step ${String(step)}`).toBe(theirs);
    }
    expect(await listed()).toEqual(model.list());
    expect(disk.requests).toBeGreaterThan(100);
  });

  /** Does something at random to both; answers what came of it. */
  async function stepOf(random: Random, model: Model): Promise<[ours: string, theirs: string]> {
    const block = random.below(Math.ceil(SECTORS / model.length) + 1);
    const sector = random.below(128);
    const count = 1 + random.below(Math.min(24, 128 - sector));
    const failures = random.below(3);
    switch (random.below(8)) {
      case 0:
      case 1:
        return [
          await outcome(message(`addbadblock ${String(block)} ${String(failures)}`)),
          model.add(block, failures),
        ];
      case 2:
        return [await outcome(message(`removebadblock ${String(block)}`)), model.remove(block)];
      case 3:
        model.enabled = random.chance(0.8);
        return [await outcome(message(model.enabled ? 'enable' : 'disable')), 'ok'];
      case 4:
      case 5:
        return [await outcome(port.read(sector, count)), model.read(sector, count)];
      case 6:
        return [await outcome(port.write(sector, new Uint8Array(count * 512))), model.write(sector, count)];
      default:
        return random.chance(0.5)
          ? [await outcome(port.flush()), model.touch(0)]
          : [await outcome(port.discard(sector, count)), model.touch(sector)];
    }
  }

  it('does not send a failed request on, and writes the rest of it', async () => {
    await create('chaos:a 0 512');
    await message('enable');
    await message('addbadblock 3 1');
    await message('addbadblock 4');
    await expect(port.read(4, 1)).rejects.toMatchObject({ code: 'EIO' });
    expect(disk.requests).toBe(0);
    await expect(port.write(2, new Uint8Array(4 * 512).fill(7))).rejects.toMatchObject({ code: 'EIO' });
    expect([2, 3, 4, 5].map((sector) => disk.data[sector * 512])).toEqual([7, 0, 7, 7]);
    expect(await listed()).toEqual([3]);
  });

  it('logs what writes make good, unless it is quiet', async () => {
    await create('chaos:a 16 4096');
    for (const words of ['addbadblock 3', 'addbadblock 4', 'enable']) await message(words);
    log = [];
    await port.write(8, new Uint8Array(512));
    await message('quiet');
    await port.write(16, new Uint8Array(512));
    expect(log).toEqual(['block 3 removed from badblocklist by write']);
    expect(await message('countbadblocks')).toBe('countbadblocks: 0 badblock(s) found');
  });

  it('lists blocks in ascending order', async () => {
    await create('chaos:a 0 512');
    for (const block of [100, 20, 3, 255]) await message(`addbadblock ${String(block)}`);
    expect(await message('listbadblocks')).toBe('3\n20\n100\n255\n');
  });

  it('shows the allocation of the device below', async () => {
    await create('ram:512s 200 512');
    expect(await port.extents(0, 64)).toEqual([{ sector: 0, count: 64, hole: true, zero: true }]);
    await port.write(60, new Uint8Array(512).fill(1));
    // The RAM disk allocates sectors 256 to 383.
    expect(await port.extents(0, 64)).toEqual([
      { sector: 0, count: 56, hole: true, zero: true },
      { sector: 56, count: 8, hole: false, zero: false },
    ]);
  });
});

/** What dust does, in the simplest terms. */
class Model {
  readonly length: number;
  readonly #offset: number;
  readonly #bad = new Map<number, number>();
  enabled = false;

  constructor(length: number, offset: number) {
    this.length = length;
    this.#offset = offset;
  }

  add(block: number, failures: number): string {
    if (this.#bad.has(block) || block > Math.floor(SECTORS / this.length)) return 'EINVAL';
    this.#bad.set(block, failures);
    return 'ok';
  }

  remove(block: number): string {
    return this.#bad.delete(block) ? 'ok' : 'EINVAL';
  }

  list(): number[] {
    return [...this.#bad.keys()].sort((a, b) => a - b);
  }

  read(sector: number, count: number): string {
    const bad = this.#pieces(sector, count).some((piece) => this.#bad.has(this.#blockOf(piece)));
    return this.enabled && bad ? 'EIO' : 'ok';
  }

  write(sector: number, count: number): string {
    const results = this.#pieces(sector, count).map((piece) => this.touch(piece));
    return results.find((result) => result !== 'ok') ?? 'ok';
  }

  /** A write that begins at a sector and ends before the next piece. */
  touch(sector: number): string {
    const block = this.#blockOf(sector);
    const failures = this.#bad.get(block);
    if (!this.enabled || failures === undefined) return 'ok';
    if (failures === 0) return this.remove(block);
    this.#bad.set(block, failures - 1);
    return 'EIO';
  }

  #blockOf(sector: number): number {
    return Math.floor((sector + this.#offset) / this.length);
  }

  /** First sectors of the pieces that a request is cut into: at multiples of the block, counted from the row's start. */
  #pieces(sector: number, count: number): number[] {
    const all = Array.from({ length: count }, (_, index) => sector + index);
    return all.filter((at) => at === sector || at % this.length === 0);
  }
}

describe('the filter dust', () => {
  let engine: Engine;
  let disk: ChaosDisk;
  let port: Port;
  let device: string;

  beforeEach(async () => {
    const driver = chaosDriver();
    disk = driver.add('a', { sectors: 64 });
    engine = createEngine({ types: [dustFilter, driver, ram] });
    port = await engine.open('chaos:a');
    device = port.device.number;
  });

  afterEach(async () => {
    port.close();
    await engine.close();
  });

  const message = (...words: string[]): Promise<string> => engine.messageFilter(device, 'dust', words);

  it('makes blocks of a live device bad, until they are written or it is taken out', async () => {
    const shown = await engine.attachFilter(device, 'dust 1024');
    expect(shown).toMatchObject({ altitude: '145000', args: '1024', status: `${device} bypass verbose` });
    await message('addbadblock', '2');
    await message('addbadblock', '3');
    await message('enable');
    expect(await message('listbadblocks')).toBe('2\n3\n');
    await expect(port.read(0, 8)).rejects.toMatchObject({ code: 'EIO' });
    await port.read(0, 4);
    await port.write(4, new Uint8Array(512).fill(9));
    expect((await port.read(4, 2))[0]).toBe(9);
    await expect(port.read(6, 1)).rejects.toMatchObject({ code: 'EIO' });
    expect((await engine.filters(device))[0]!.status).toBe(`${device} fail_read_on_bad_block verbose`);
    await engine.detachFilter(device, 'dust');
    await port.read(0, 8);
    expect(disk.data[4 * 512]).toBe(9);
  });

  it('takes as many blocks as the device has, and one', async () => {
    await engine.attachFilter(device, 'dust 4096');
    await message('addbadblock', '8');
    await expect(message('addbadblock', '9')).rejects.toMatchObject({
      code: 'EINVAL',
      message: 'dust: selected block value out of range: 9 is not in 0..8',
    });
  });

  it('leaves the allocation as it is', async () => {
    const sparse = await engine.open('ram:512s');
    await engine.attachFilter(sparse.device.number, 'dust 512');
    expect(await sparse.extents(0, 512)).toEqual([{ sector: 0, count: 512, hole: true, zero: true }]);
    sparse.close();
  });

  it.each([
    ['dust', 'not enough arguments'],
    ['dust x', 'Invalid block size parameter'],
    ['dust 0', 'Invalid block size parameter'],
    ['dust 256', 'Block size must be at least 512'],
    ['dust 1000', 'Block size must be a power of 2'],
    ['dust 65536', 'Block size is too large'],
    ['dust 512 1', 'too many arguments'],
  ])('refuses %s', async (spec, reason) => {
    await expect(engine.attachFilter(device, spec)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining(reason),
    });
    expect(await engine.filters(device)).toEqual([]);
  });
});
