import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { later } from '../../../tools/temporary.ts';
import {
  type CipherJob,
  CipherPool,
  type CipherPoolOptions,
  openSectorCipher,
  parseCipherSpec,
  type SectorCipher,
} from '../src/index.ts';
import { DmCipher } from '../src/dm-cipher.ts';
import { ENGINES, errorOf, testKey } from './engines.ts';

const SIZE = 256 * 1024;

function open(text: string, size: number, sectorSize = 512): SectorCipher {
  const cipher = openSectorCipher(parseCipherSpec(text), testKey(size), { sectorSize, ivOffset: 8 });
  later(() => cipher.wipe());
  return cipher;
}

function openPool(options: CipherPoolOptions): CipherPool {
  const pool = new CipherPool({ threshold: 65536, ...options });
  later(() => pool.close());
  return pool;
}

function makeJob(cipher: SectorCipher, encrypting = true, bytes = SIZE): CipherJob {
  const from = Uint8Array.from({ length: bytes + 3 }, (_, at) => (at * 31) & 255);
  return {
    cipher,
    encrypting,
    from,
    fromOffset: 3,
    to: new Uint8Array(bytes + 1),
    toOffset: 1,
    bytes,
    sector: 24,
  };
}

function run(pool: CipherPool, job: CipherJob): Promise<Error | undefined> {
  return new Promise((resolve) => pool.submit(job, resolve));
}

/** What the job should give. */
function wanted({ cipher, encrypting, from, fromOffset, bytes, sector }: CipherJob): Uint8Array {
  const to = new Uint8Array(bytes);
  cipher[encrypting ? 'encrypt' : 'decrypt'](from, fromOffset, to, 0, bytes, sector);
  return to;
}

/** Jobs until one went to a thread: they need some time to come up. */
async function untilThreads(pool: CipherPool): Promise<void> {
  const leased = vi.spyOn(DmCipher.prototype, 'lease');
  const cipher = openSectorCipher(parseCipherSpec('aes-xts-plain64'), testKey(64));
  while (leased.mock.calls.length === 0) await run(pool, makeJob(cipher));
  cipher.wipe();
}

afterEach(() => vi.restoreAllMocks());

describe('small jobs', () => {
  it('are done before submit returns', () => {
    const pool = openPool({});
    const job = makeJob(open('aes-xts-plain64', 64), true, 4096);
    const ended: CipherJob[] = [];
    pool.submit(job, (error, same) => {
      expect(error).toBeUndefined();
      ended.push(same);
    });
    expect(ended).toEqual([job]);
    expect(Buffer.compare(job.to.subarray(1), wanted(job))).toBe(0);
  });

  it('tell what was wrong', async () => {
    const job = makeJob(open('aes-xts-plain64', 64), true, 4096);
    expect(await run(openPool({}), { ...job, bytes: 100 })).toMatchObject({ code: 'EINVAL' });
  });
});

describe('large jobs without threads', () => {
  it('leave turns of the event loop between their slices', async () => {
    const pool = openPool({ threads: 0 });
    const job = makeJob(open('camellia-xts-plain64', 64));
    // Each look at the clock finds it two milliseconds further on.
    let clock = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (clock += 2));
    let turns = 0;
    let over = false;
    pool.submit(job, () => (over = true));
    expect(over).toBe(false);
    while (!over) {
      await setImmediate();
      turns += 1;
    }
    expect(turns).toBeGreaterThanOrEqual(8);
    expect(Buffer.compare(job.to.subarray(1), wanted(job))).toBe(0);
  });

  it('are done one after the other, in place too, and errors end only their own', async () => {
    const pool = openPool({ threads: 0 });
    const cipher = open('aes-cbc-essiv:sha256', 32, 4096);
    const first = makeJob(cipher);
    const place = { ...makeJob(cipher), toOffset: 3 };
    const result = wanted(place);
    const errors = await Promise.all([
      run(pool, first),
      run(pool, { ...first, sector: 1 }),
      run(pool, { ...place, to: place.from }),
    ]);
    expect(errors).toEqual([undefined, expect.objectContaining({ code: 'EINVAL' }), undefined]);
    expect(Buffer.compare(place.from.subarray(3), result)).toBe(0);
  });
});

describe.runIf(ENGINES.includes('evp'))('large jobs with threads', () => {
  const pool = new CipherPool({ threads: 2, threshold: 65536 });

  beforeAll(() => untilThreads(pool));
  afterAll(() => pool.close());

  it.each([
    ['aes-xts-plain64', 64, 512],
    ['aes-xts-plain64', 64, 4096],
    ['aes-cbc-essiv:sha256', 32, 512],
    ['aes-cbc-eboiv', 16, 4096],
    ['aes-ctr-plain64be', 24, 512],
    ['des3_ede-cbc-plain64', 24, 512],
    // Not for threads.
    ['camellia-xts-plain64', 64, 512],
    ['aes:64-cbc-lmk', 1024, 512],
    ['cipher_null-ecb', 0, 512],
  ])('%s of %i bytes, sectors of %i: the same bytes', async (text, keySize, sectorSize) => {
    const cipher = open(text, keySize, sectorSize);
    const jobs = [true, false, true, false, true].map((encrypting) => makeJob(cipher, encrypting));
    const kept = jobs[0]!.from.slice();
    const errors = await Promise.all(jobs.map((job) => run(pool, job)));
    expect(errors).toEqual(jobs.map(() => undefined));
    for (const job of jobs) expect(Buffer.compare(job.to.subarray(1), wanted(job))).toBe(0);
    expect(Buffer.compare(jobs[0]!.from, kept)).toBe(0);
  });

  it('work in place, and again with the same objects', async () => {
    const job = { ...makeJob(open('aes-xts-plain64', 64)), toOffset: 3 };
    job.to = job.from;
    const clear = job.from.slice(3);
    const encrypted = wanted(job);
    for (let times = 0; times < 3; times++) {
      expect(await run(pool, job)).toBeUndefined();
      expect(Buffer.compare(job.from.subarray(3), encrypted)).toBe(0);
      expect(await run(pool, { ...job, encrypting: false })).toBeUndefined();
      expect(Buffer.compare(job.from.subarray(3), clear)).toBe(0);
    }
  });

  it('end well although the key is wiped meanwhile', async () => {
    const cipher = open('aes-xts-plain64', 64);
    const job = makeJob(cipher);
    const result = wanted(job);
    const end = run(pool, job);
    cipher.wipe();
    expect(await end).toBeUndefined();
    expect(Buffer.compare(job.to.subarray(1), result)).toBe(0);
    expect(await run(pool, job)).toMatchObject({ code: 'EINVAL' });
  });

  it('keep the process alive only while they last', async () => {
    const holders = (): number =>
      process.getActiveResourcesInfo().filter((name) => /MessagePort|Worker/.test(name)).length;
    const before = holders();
    const end = run(pool, makeJob(open('aes-xts-plain64', 64)));
    expect(holders()).toBeGreaterThan(before);
    await end;
    expect(holders()).toBe(before);
  });
});

describe.each([0, 1])('large jobs with %i threads', (threads) => {
  it('are checked as a whole before memory is touched', async () => {
    const pool = openPool({ threads });
    if (threads > 0 && ENGINES.includes('evp')) await untilThreads(pool);
    const job = makeJob(open('aes-xts-plain64', 64));
    for (const wrong of [{ toOffset: 2 }, { bytes: SIZE - 100 }, { sector: -1 }, { fromOffset: -1 }]) {
      expect(await run(pool, { ...job, ...wrong })).toMatchObject({ code: 'EINVAL' });
    }
    expect(job.to.every((byte) => byte === 0)).toBe(true);
  });
});

describe('a pool that is closed', () => {
  it.each([0, 1])('with %i threads has done its jobs and takes no more', async (threads) => {
    const pool = new CipherPool({ threads, threshold: 65536 });
    const cipher = open('aes-xts-plain64', 64);
    const jobs = [makeJob(cipher), makeJob(cipher)];
    const ends = jobs.map((job) => run(pool, job));
    await pool.close();
    expect(await Promise.all(ends)).toEqual([undefined, undefined]);
    for (const job of jobs) expect(Buffer.compare(job.to.subarray(1), wanted(job))).toBe(0);
    expect(errorOf(() => pool.submit(jobs[0]!, () => undefined)).code).toBe('ESHUTDOWN');
    await pool.close();
  });
});

describe('a burst of small jobs', () => {
  it('takes only a part of a turn of the event loop', async () => {
    const pool = openPool({ threads: 0, threshold: 2 ** 20 });
    const cipher = open('aes-xts-plain64', 64);
    const jobs = Array.from({ length: 20 }, () => makeJob(cipher));
    const ended: CipherJob[] = [];
    const submitAll = (): void => {
      for (const job of jobs) pool.submit(job, (_error, same) => ended.push(same));
    };
    submitAll();
    expect(ended.length).toBe(8);
    while (ended.length < 20) await setImmediate();
    const result = wanted(jobs[0]!);
    for (const job of jobs) expect(Buffer.compare(job.to.subarray(1), result)).toBe(0);
    // The next turn begins anew; little ones are always done at once.
    ended.length = 0;
    submitAll();
    expect(ended.length).toBe(8);
    pool.submit({ ...jobs[0]!, bytes: 32768 }, (_error, same) => ended.push(same));
    expect(ended.length).toBe(9);
  });
});
