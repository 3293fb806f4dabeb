import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import {
  type BlockIo,
  type CrashDisk,
  crashTest,
  type CrashTestOptions,
  type CrashTestResult,
} from '../src/index.ts';
import { run as runProgram } from './program.ts';

const SECTOR = 512;
const canFuse = existsSync('/dev/fuse') && peer('nbdfuse', 'fusermount3');

/** What a sector has to say: a number, and a second time the same, at the end. */
function sectorOf(value: number): Buffer {
  const sector = Buffer.alloc(SECTOR);
  sector.writeUInt32LE(value, 0);
  sector.writeUInt32LE(value, SECTOR - 4);
  return sector;
}

async function valueAt(disk: BlockIo, sector: number): Promise<number> {
  return (await disk.read(sector * SECTOR, SECTOR)).readUInt32LE(0);
}

/** Keeps a value in one of two sectors, and in the first which of them counts: a program with what it takes, or without. */
async function store(disk: BlockIo, value: number, careful: boolean): Promise<void> {
  const place = 1 + (value % 2);
  await disk.write(place * SECTOR, sectorOf(value));
  if (careful) await disk.flush();
  await disk.write(0, sectorOf(place));
  await disk.flush();
}

async function load(disk: BlockIo): Promise<number> {
  return valueAt(disk, await valueAt(disk, 0));
}

const VALUES = [1, 2, 3, 4, 5];

function search(careful: boolean, more: Partial<CrashTestOptions> = {}): Promise<CrashTestResult> {
  return crashTest({
    size: '1M',
    prepare: (disk) => store(disk, 0, true),
    async run(disk, promise) {
      for (const value of VALUES) {
        await store(disk, value, careful);
        await promise(String(value));
      }
    },
    async check(disk, { promises }) {
      const promised = Number(promises.at(-1) ?? 0);
      const value = await load(disk);
      if (value < promised)
        throw new Error(`${String(value)} is there, and ${String(promised)} was promised`);
    },
    ...more,
  });
}

describe('a crash test', () => {
  it('passes a program that flushes where it must', async () => {
    const result = await search(true);
    result.assertNone();
    expect(result.failures).toEqual([]);
    expect(result.search.ended).toBe('complete');
    expect(result.search.checked).toBeGreaterThan(VALUES.length);
    expect(String(result)).toMatch(/\d/);
    expect(result.junit('store')).toMatch(/<testsuite/);
  });

  it('finds the flush that is missing, and tells which write was lost', async () => {
    const result = await search(false);
    expect(result.failures.length).toBeGreaterThan(0);
    const [failure] = result.failures;
    expect(failure?.message).toMatch(/^\d is there, and \d was promised$/);
    expect(failure?.state.kept.map(({ sector }) => sector)).toEqual([0]);
    expect(failure?.state.lost.length).toBe(1);
    expect(() => result.assertNone()).toThrow(/^a power cut can do damage: \d failures? in \d+ states/);
    expect(() => result.assertNone()).toThrow(failure!.message);
  });

  it('finds the promise that was too early', async () => {
    const result = await search(true, {
      async run(disk, promise) {
        await disk.write(SECTOR, sectorOf(1));
        await promise('1');
        await disk.flush();
        await disk.write(0, sectorOf(1));
        await disk.flush();
      },
    });
    expect(result.failures.length).toBeGreaterThan(0);
  });

  it('is the same for the same seed, and bounded as it is told', async () => {
    const run = async (states: number): Promise<unknown> => {
      const { search: found } = await search(false, { states, seed: 4 });
      return [found.explored, found.checked, found.failures.map(({ state }) => state.id)];
    };
    expect(await run(1000)).toEqual(await run(1000));
    const { search: bounded } = await search(true, { states: 5 });
    expect(bounded.explored).toBeLessThanOrEqual(5);
    expect(bounded.bounded).toBe(true);
  });

  it('that was aborted has not passed', async () => {
    const abort = new AbortController();
    const result = await search(true, {
      signal: abort.signal,
      async check() {
        abort.abort();
      },
    });
    expect(result.search.ended).toBe('aborted');
    expect(() => result.assertNone()).toThrow(/^the search was aborted when \d states had been checked$/);
  });

  it('keeps what is found in a folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'testing-crash-'));
    try {
      const first = await search(false, { folder, seed: 1 });
      expect(first.failures[0]?.file).toMatch(/failure-.*\.json$/);
      const again = await search(false, { folder, seed: 1 });
      expect(again.search.reused).toBeGreaterThan(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('checks many states', async () => {
    const result = await crashTest({
      size: '1M',
      seed: 1,
      async run(disk) {
        for (let epoch = 0; epoch < 10; epoch++) {
          for (let i = 0; i < 8; i++) await disk.write(i * 4096, Buffer.alloc(4096, epoch * 8 + i + 1));
          await disk.flush();
        }
      },
      async check(disk) {
        await disk.read(0, 4096);
      },
    });
    expect(result.search.checked).toBeGreaterThan(1000);
  });
});

it.skipIf(!canFuse || !peer('dd'))('a crash test of a program that has the disk as a file', async () => {
  const copy = (flush: boolean): Promise<CrashTestResult> =>
    crashTest({
      size: '1M',
      path: true,
      async run(disk, promise) {
        const end = flush ? ['conv=notrunc,fsync'] : ['conv=notrunc'];
        const { code } = await runProgram('dd', [
          'if=/dev/urandom',
          `of=${disk.path!}`,
          'bs=4096',
          'count=4',
          ...end,
        ]);
        expect(code).toBe(0);
        await promise('copied');
      },
      async check(disk, { promises }) {
        const bytes = await disk.read(0, 4 * 4096);
        const there = [0, 1, 2, 3].every((block) => bytes.readBigUInt64LE(block * 4096) !== 0n);
        if (promises.length > 0 && !there) throw new Error('a part of the copy is not there');
      },
    });
  (await copy(true)).assertNone();
  expect((await copy(false)).failures[0]?.message).toBe('a part of the copy is not there');
});

describe('the disk of a check', () => {
  /** Runs one check on the first state that has promised something. */
  async function check(work: (disk: CrashDisk) => Promise<void>): Promise<void> {
    let done = false;
    const result = await search(true, {
      check: async (disk, { promises }) => {
        if (done || promises.length === 0) return;
        done = true;
        await work(disk);
      },
    });
    expect(done).toBe(true);
    result.assertNone();
  }

  it('can be written, which no other state sees', async () => {
    const result = await search(true, {
      async check(disk) {
        expect(await valueAt(disk, 100)).toBe(0);
        await disk.write(100 * SECTOR, sectorOf(7));
        await disk.flush();
        expect(await valueAt(disk, 100)).toBe(7);
        await disk.discard(100 * SECTOR, SECTOR);
        expect(await valueAt(disk, 100)).toBe(0);
        await disk.write(100 * SECTOR, sectorOf(8));
      },
    });
    result.assertNone();
  });

  it('gives ports', () =>
    check(async (disk) => {
      const port = await disk.open();
      expect((await port.read(0, 1)).length).toBe(SECTOR);
    }));

  it.skipIf(!peer('qemu-io'))('is served to clients', () =>
    check(async (disk) => {
      const value = await load(disk);
      const uri = await disk.serve();
      expect(await disk.serve()).toBe(uri);
      const place = 1 + (value % 2);
      const args = ['-f', 'raw', '-c', `read -P ${String(value)} ${String(place * SECTOR)} 1`, uri];
      const { code, stdout } = await runProgram('qemu-io', args);
      expect({ code, stdout }).toMatchObject({ code: 0 });
    }),
  );

  it('is saved as an image', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'testing-crash-'));
    try {
      await check(async (disk) => {
        const path = join(folder, 'disk.img');
        await disk.save(path);
        expect(statSync(path).size).toBe(2 ** 20);
        expect(
          readFileSync(path)
            .subarray(0, SECTOR)
            .equals(await disk.read(0, SECTOR)),
        ).toBe(true);
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is gone after the check', async () => {
    let kept: CrashDisk | undefined;
    await check(async (disk) => void (kept = disk));
    await expect(kept!.read(0, SECTOR)).rejects.toMatchObject({ code: 'ESHUTDOWN' });
  });
});

describe('a crash test that cannot be', () => {
  it('rejects with what the program rejects with', async () => {
    const broken = async (): Promise<void> => {
      throw new Error('the program is broken');
    };
    await expect(search(true, { run: broken })).rejects.toThrow('the program is broken');
    await expect(search(true, { prepare: broken })).rejects.toThrow('the program is broken');
  });

  it('refuses a program that writes nothing', async () => {
    const run = async (disk: BlockIo): Promise<void> => {
      await disk.read(0, SECTOR);
      await disk.flush();
    };
    await expect(search(true, { run })).rejects.toThrow('run wrote nothing to the disk');
  });

  it.each<[Partial<CrashTestOptions> | Record<string, unknown>, RegExp]>([
    [{ run: undefined }, /run must be a function, not undefined/],
    [{ check: 'x' }, /check must be a function/],
    [{ prepare: 1 }, /prepare must be a function/],
    [{ state: 1 }, /no "state"/],
    [{ seed: -1 }, /seed is -1/],
    [{ size: undefined }, /wants a size/],
    [{ states: 0 }, /states/],
    [{ unit: 100 }, /unit/],
    [{ run: (_: unknown, promise: (text: string) => Promise<void>) => promise('') }, /a promise of 0 bytes/],
    [
      { run: (_: unknown, promise: (text: string) => Promise<void>) => promise('x'.repeat(480)) },
      /want 1 to 479/,
    ],
  ])('such as %j', async (options, text) => {
    await expect(search(true, options as Partial<CrashTestOptions>)).rejects.toThrow(text);
  });
});
