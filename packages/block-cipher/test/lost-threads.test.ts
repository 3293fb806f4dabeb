import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { later } from '../../../tools/temporary.ts';
import { type CipherJob, CipherPool, openSectorCipher, parseCipherSpec } from '../src/index.ts';
import { DmCipher } from '../src/dm-cipher.ts';
import { ENGINES, testKey } from './engines.ts';

const SIZE = 2 ** 20;

/** What happens to each thread that is started, if anything: in place of what its constructor does. */
const starting = vi.hoisted(() => ({ refuse: false }));

vi.mock('node:worker_threads', async (original) => {
  const real = await original<{ readonly Worker: typeof Worker }>();
  class MaybeWorker extends real.Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      if (starting.refuse) throw new Error('no thread can be had');
      super(...args);
    }
  }
  return { ...real, Worker: MaybeWorker };
});

function makeJob(inPlace: boolean): CipherJob {
  const cipher = openSectorCipher(parseCipherSpec('aes-xts-plain64'), testKey(64));
  later(() => cipher.wipe());
  const from = Uint8Array.from({ length: SIZE }, (_, at) => (at * 31) & 255);
  const to = inPlace ? from : new Uint8Array(SIZE);
  return { cipher, encrypting: true, from, fromOffset: 0, to, toOffset: 0, bytes: SIZE, sector: 0 };
}

function wanted({ cipher, from }: CipherJob): Uint8Array {
  const to = new Uint8Array(SIZE);
  cipher.encrypt(from, 0, to, 0, SIZE, 0);
  return to;
}

function run(pool: CipherPool, job: CipherJob): Promise<Error | undefined> {
  return new Promise((resolve) => pool.submit(job, resolve));
}

/** A pool with one thread that works, and its worker. */
async function openPool(): Promise<{ pool: CipherPool; worker: Worker }> {
  const pool = new CipherPool({ threads: 1, threshold: 65536 });
  later(() => pool.close());
  const posted = vi.spyOn(Worker.prototype, 'postMessage');
  const job = makeJob(false);
  while (posted.mock.contexts.length === 0) await run(pool, job);
  return { pool, worker: posted.mock.contexts[0] as Worker };
}

beforeEach(() => {
  starting.refuse = false;
});
afterEach(() => vi.restoreAllMocks());

describe.runIf(ENGINES.includes('evp'))('a thread that is lost', () => {
  it('fails what it did in place, and nothing else: that is done without it', async () => {
    const { pool, worker } = await openPool();
    const jobs = [true, false, true, false].map(makeJob);
    const results = jobs.map(wanted);
    const ends = Promise.all(jobs.map((job) => run(pool, job)));
    await worker.terminate();
    const errors = await ends;
    for (const [index, error] of errors.entries()) {
      // Whether a job in place was done by then nobody knows.
      if (error === undefined) expect(Buffer.compare(jobs[index]!.to, results[index]!)).toBe(0);
      else expect([index % 2, error]).toEqual([0, expect.objectContaining({ code: 'EIO' })]);
    }
    const again = makeJob(true);
    const result = wanted(again);
    expect(await run(pool, again)).toBeUndefined();
    expect(Buffer.compare(again.to, result)).toBe(0);
  });

  it('may still answer after its error', async () => {
    const { pool, worker } = await openPool();
    const job = makeJob(false);
    const posted = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(() => undefined);
    const end = run(pool, job);
    const [id] = posted.mock.calls.at(-1)![0] as number[];
    worker.emit('error', new Error('it broke'));
    // What it said before it broke is told behind it; until it is gone it may have the memory in hand.
    expect(() => worker.emit('message', id)).not.toThrow();
    expect(await end).toBeUndefined();
  });
});

describe.runIf(ENGINES.includes('evp'))('a thread that cannot be', () => {
  it('is done without', async () => {
    starting.refuse = true;
    const pool = new CipherPool({ threads: 2, threshold: 65536 });
    later(() => pool.close());
    for (const job of [makeJob(true), makeJob(false)]) {
      const result = wanted(job);
      expect(await run(pool, job)).toBeUndefined();
      expect(Buffer.compare(job.to, result)).toBe(0);
    }
  });
});

describe.runIf(ENGINES.includes('evp'))('what a thread would need', () => {
  it('and cannot have is an error of its job only, and leaves nothing behind', async () => {
    const { pool } = await openPool();
    const job = makeJob(false);
    const leased: unknown[] = [];
    const lease = DmCipher.prototype.lease;
    vi.spyOn(DmCipher.prototype, 'lease').mockImplementation(function (this: DmCipher, encrypting) {
      const context = lease.call(this, encrypting);
      leased.push(context);
      return context;
    });
    const returned = vi.spyOn(DmCipher.prototype, 'giveBack');
    vi.spyOn(DmCipher.prototype, 'fillIvs').mockImplementationOnce(() => {
      throw new RangeError('Array buffer allocation failed');
    });
    expect(await run(pool, job)).toBeInstanceOf(RangeError);
    expect(returned.mock.calls.map(([context]) => context)).toEqual(leased);
    expect(await run(pool, job)).toBeUndefined();
  });
});

describe('slow ciphers', () => {
  it.each([
    ['camellia-xts-plain64', 64],
    ['aes:64-cbc-lmk', 1024],
    ['des3_ede-cbc-plain64', 24],
  ])('%s leaves the event loop its turns with much less', async (text, keySize) => {
    const pool = new CipherPool({ threads: 0 });
    later(() => pool.close());
    const cipher = openSectorCipher(parseCipherSpec(text), testKey(keySize));
    later(() => cipher.wipe());
    const ended: number[] = [];
    for (const bytes of [32768, 65536]) {
      const data = new Uint8Array(bytes);
      const at = { from: data, fromOffset: 0, to: data, toOffset: 0, sector: 0 };
      pool.submit({ cipher, encrypting: true, bytes, ...at }, () => ended.push(bytes));
    }
    expect(ended).toEqual([32768]);
    await pool.close();
    expect(ended).toEqual([32768, 65536]);
  });
});
