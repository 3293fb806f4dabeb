import { VirtualClock } from '@interposer/conformance';
import { describe, expect, it } from 'vitest';
import { type ChaosRule, createDisk, type Disk, type Match } from '../src/index.ts';

const SECTOR = 512;
const DATA = Buffer.alloc(SECTOR, 'd');

/** How a request ended: `ok`, or the code of its error. */
function outcome(request: Promise<unknown>): Promise<string> {
  return request.then(
    () => 'ok',
    (error: unknown) => (error as { code: string }).code,
  );
}

/** Lets everything go on that waits for nothing but its turn. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('failNext', () => {
  it('fails one request, and tells that it did', async () => {
    await using disk = await createDisk({ size: '1M' });
    const fault = disk.failNext();
    expect(fault.fired).toBe(0);
    expect(await outcome(disk.flush())).toBe('EIO');
    expect(await outcome(disk.flush())).toBe('ok');
    expect(fault.fired).toBe(1);
    expect(disk.requests().map(({ result }) => result)).toEqual(['EIO', 'ok']);
  });

  it('fails with any code, and so often', async () => {
    await using disk = await createDisk({ size: '1M' });
    disk.failNext({ op: 'write', code: 'ENOSPC', times: 2 });
    const results = [1, 2, 3].map(() => outcome(disk.write(0, DATA)));
    expect(await Promise.all(results)).toEqual(['ENOSPC', 'ENOSPC', 'ok']);
  });

  it('can be taken back', async () => {
    await using disk = await createDisk({ size: '1M' });
    const fault = disk.failNext({ op: 'read' });
    fault.remove();
    fault.remove();
    expect(await outcome(disk.read(0, SECTOR))).toBe('ok');
    expect(fault.fired).toBe(0);
  });

  it('may be called very often', async () => {
    await using disk = await createDisk({ size: '1M' });
    for (let i = 0; i < 500; i++) {
      disk.failNext({ op: 'flush' });
      expect(await outcome(disk.flush())).toBe('EIO');
    }
    expect(await outcome(disk.flush())).toBe('ok');
  });

  it('is seen before a stall that was there already', async () => {
    await using disk = await createDisk({ size: '1M' });
    const stall = disk.stall();
    disk.failNext({ op: 'flush' });
    expect(await outcome(disk.flush())).toBe('EIO');
    expect(stall.held).toBe(0);
  });
});

describe('a match', () => {
  /** Which of some requests it means. */
  async function meant(match: Match): Promise<string[]> {
    await using disk = await createDisk({ size: '1M' });
    disk.failNext({ times: 1000, ...match });
    const requests: Record<string, () => Promise<unknown>> = {
      'read 0': () => disk.read(0, SECTOR),
      'read 4096': () => disk.read(4096, SECTOR),
      'write 0': () => disk.write(0, DATA),
      'write 4096+8192': () => disk.write(4096, Buffer.alloc(8192)),
      flush: () => disk.flush(),
      'discard 0': () => disk.discard(0, SECTOR),
    };
    const failed: string[] = [];
    for (const [name, request] of Object.entries(requests))
      if ((await outcome(request())) !== 'ok') failed.push(name);
    return failed;
  }

  it.each<[Match, string[]]>([
    [{}, ['read 0', 'read 4096', 'write 0', 'write 4096+8192', 'flush', 'discard 0']],
    [{ op: 'read' }, ['read 0', 'read 4096']],
    [{ op: ['flush', 'discard'] }, ['flush', 'discard 0']],
    [{ offset: 0, length: 1 }, ['read 0', 'write 0', 'discard 0']],
    [{ offset: 5000 }, ['write 4096+8192']],
    [{ offset: 4000, length: 100 }, ['read 4096', 'write 4096+8192']],
    [{ op: 'read', nth: 2 }, ['read 4096']],
    [{ nth: 5 }, ['flush']],
    [{ op: ['read', 'write'], times: 3 }, ['read 0', 'read 4096', 'write 0']],
    [{ probability: 0 }, []],
  ])('%j', async (match, names) => {
    expect(await meant(match)).toEqual(names);
  });

  it.each<[string, unknown, RegExp, 'TypeError' | 'EINVAL']>([
    ['a property that is none', { ops: 'read' }, /has no "ops"/, 'TypeError'],
    ['an operation that is none', { op: 'reed' }, /"reed" is no operation/, 'TypeError'],
    ['no operation', { op: [] }, /is no operation/, 'TypeError'],
    ['a length without a place', { length: 512 }, /wants an offset/, 'TypeError'],
    ['a place beyond the end', { offset: 2 ** 20 }, /want 0 to 1048575/, 'EINVAL'],
    ['a range beyond the end', { offset: 0, length: 2 ** 21 }, /want 1 to 1048576/, 'EINVAL'],
    ['a probability beyond 1', { probability: 2 }, /probability is 2: want 0 to 1/, 'EINVAL'],
    ['half a time', { times: 0.5 }, /times is 0.5: want at least 1/, 'EINVAL'],
    ['no match at all', 'write', /must be an object, not string/, 'TypeError'],
    ['a code that is none', { code: 'EWHAT' }, /EWHAT/, 'EINVAL'],
  ])('cannot be %s', async (_, match, text, kind) => {
    await using disk = await createDisk({ size: '1M' });
    const call = (): unknown => disk.failNext(match as Match);
    expect(call).toThrow(text);
    if (kind === 'TypeError') expect(call).toThrow(TypeError);
    else expect(call).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(await outcome(disk.flush())).toBe('ok');
  });
});

describe('stall', () => {
  it('holds requests until they are released, in their order', async () => {
    await using disk = await createDisk({ size: '1M' });
    const stall = disk.stall({ op: 'write' });
    const ended: number[] = [];
    const writes = [1, 2, 3].map((value) =>
      disk.write(0, Buffer.alloc(SECTOR, value)).then(() => void ended.push(value)),
    );
    await stall.waiting(3);
    expect(stall.held).toBe(3);
    expect((await disk.read(0, SECTOR))[0]).toBe(0);
    stall.release();
    await Promise.all(writes);
    expect(ended).toEqual([1, 2, 3]);
    expect((await disk.read(0, SECTOR))[0]).toBe(3);
    expect(await outcome(disk.write(0, DATA))).toBe('ok');
    expect([stall.held, stall.fired]).toEqual([0, 3]);
  });

  it('tells when enough requests are held, and not before', async () => {
    await using disk = await createDisk({ size: '1M' });
    const stall = disk.stall();
    let told = false;
    const waiting = stall.waiting(2).then(() => (told = true));
    const requests = [disk.flush()];
    await turn();
    expect([told, stall.held]).toEqual([false, 1]);
    requests.push(disk.flush());
    await waiting;
    stall.release();
    await Promise.all(requests);
  });

  it('breaks at one request to force an order', async () => {
    await using disk = await createDisk({ size: '1M' });
    const second = disk.stall({ op: 'write', nth: 2 });
    const writes = [1, 2, 3].map((value) => disk.write(0, Buffer.alloc(SECTOR, value)));
    await second.waiting();
    await Promise.all([writes[0], writes[2]]);
    second.release();
    await writes[1];
    expect((await disk.read(0, SECTOR))[0]).toBe(2);
  });

  it('lets 300 clients wait, beside others that do not', async () => {
    await using disk = await createDisk({ size: '1M' });
    const half = 2 ** 19;
    const stall = disk.stall({ offset: 0, length: half });
    const held = Array.from({ length: 300 }, (_, i) => disk.write(i * SECTOR, DATA));
    const free = Array.from({ length: 300 }, (_, i) => disk.write(half + i * SECTOR, DATA));
    await Promise.all(free);
    await stall.waiting(300);
    stall.release();
    await Promise.all(held);
  });

  it('goes with its disk', async () => {
    const disk = await createDisk({ size: '1M' });
    const stall = disk.stall();
    const flush = outcome(disk.flush());
    await stall.waiting();
    const never = outcome(stall.waiting(2));
    await disk.close();
    expect([await flush, await never]).toEqual(['ENODEV', 'ESHUTDOWN']);
    stall.release();
    expect(() => disk.stall()).toThrow('the disk is closed');
  });

  it('does not have anybody wait who comes too late', async () => {
    const disk = await createDisk({ size: '1M' });
    const over = disk.stall({ op: 'write' });
    over.release();
    await expect(over.waiting()).rejects.toMatchObject({ code: 'ESHUTDOWN' });
    const stall = disk.stall();
    await disk.close();
    await expect(stall.waiting()).rejects.toMatchObject({ code: 'ESHUTDOWN' });
  });

  it('is no obstacle to a snapshot, which does not have what is held', async () => {
    await using disk = await createDisk({ size: '1M' });
    await disk.write(0, Buffer.alloc(SECTOR, 1));
    const stall = disk.stall();
    const write = disk.write(0, Buffer.alloc(SECTOR, 2));
    await stall.waiting();
    const snapshot = await disk.snapshot();
    expect(snapshot.read(0, 1)[0]).toBe(1);
    expect(stall.held).toBe(1);
    await snapshot.restore();
    stall.release();
    await write;
    expect((await disk.read(0, SECTOR))[0]).toBe(2);
  });
});

describe('slow', () => {
  it('takes the time of the clock', async () => {
    const clock = new VirtualClock();
    await using disk = await createDisk({ size: '1M', clock });
    const fault = disk.slow({ delay: 100 }, { op: 'read' });
    expect(await outcome(disk.write(0, DATA))).toBe('ok');
    let done = false;
    const read = disk.read(0, SECTOR).then(() => (done = true));
    await turn();
    clock.advance(99);
    await turn();
    expect([done, fault.held]).toEqual([false, 1]);
    clock.advance(1);
    await read;
    expect(fault.fired).toBe(1);
  });

  it('is spread as it is asked for', async () => {
    const clock = new VirtualClock();
    await using disk = await createDisk({ size: '1M', seed: 3, clock });
    disk.slow({ p50: 10, p99: 80 });
    const times: number[] = [];
    const reads = Array.from({ length: 1000 }, () =>
      disk.read(0, SECTOR).then(() => times.push(clock.now())),
    );
    while (times.length < reads.length) {
      await turn();
      clock.advance(1);
    }
    times.sort((a, b) => a - b);
    expect(Math.abs(times[500]! - 10)).toBeLessThan(3);
    expect(Math.abs(times[990]! - 80)).toBeLessThan(40);
  });

  it('lets go of what it delays when it is removed', async () => {
    await using disk = await createDisk({ size: '1M', clock: new VirtualClock() });
    const fault = disk.slow({ delay: 1000 });
    const read = disk.read(0, SECTOR);
    await turn();
    fault.remove();
    expect(await outcome(read)).toBe('ok');
  });

  it('refuses what is no latency', async () => {
    await using disk = await createDisk({ size: '1M' });
    expect(() => disk.slow({ delay: -1 })).toThrow('delay is -1');
    expect(() => disk.slow({ p50: 5, p99: 1 })).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => disk.slow({ p50: 5 } as never)).toThrow(TypeError);
    expect(() => disk.slow({ delay: 1, p50: 5, p99: 6 })).toThrow(TypeError);
  });
});

describe('inject', () => {
  it('takes words', async () => {
    await using disk = await createDisk({ size: '1M' });
    const fault = disk.inject('on read sectors=8+8 do error=ENODATA');
    expect(await outcome(disk.read(4096, SECTOR))).toBe('ENODATA');
    expect(await outcome(disk.read(0, SECTOR))).toBe('ok');
    expect(fault.fired).toBe(1);
    fault.remove();
    expect(await outcome(disk.read(4096, SECTOR))).toBe('ok');
  });

  it('takes a predicate', async () => {
    await using disk = await createDisk({ size: '1M' });
    const even: ChaosRule = {
      on: ['write'],
      when: ({ sector }) => sector % 2 === 0,
      action: { kind: 'error', code: 'EIO' },
    };
    const fault = disk.inject(even);
    const results = [0, 1, 2, 3].map((sector) => outcome(disk.write(sector * SECTOR, DATA)));
    expect(await Promise.all(results)).toEqual(['EIO', 'ok', 'EIO', 'ok']);
    expect(fault.fired).toBe(2);
  });

  it('tells of a predicate that throws', async () => {
    await using disk = await createDisk({ size: '1M' });
    const when = (): boolean => {
      throw new Error('no such thing');
    };
    disk.inject({ on: ['read'], when, action: { kind: 'error' } });
    expect(await outcome(disk.read(0, SECTOR))).toBe('EIO');
    await expect(disk.flush()).rejects.toMatchObject({ code: 'EFAULT' });
    await expect(disk.flush()).rejects.toThrow('no such thing');
  });

  it.each([
    ['on write do torn=1', 'on write do rot', 'rot'],
    ['on write do rot', 'on write do torn=1', 'torn'],
    ['on write do misdirect=+8', 'on write do rot', 'rot'],
    ['on write do rot', 'on write do misdirect=+8', 'misdirect'],
  ])('has one fault do something to a request, the latest: of %s and %s', async (older, latest) => {
    await using disk = await createDisk({ size: '1M' });
    const faults = [disk.inject(older), disk.inject(latest)];
    await disk.write(0, Buffer.alloc(4 * SECTOR, 1));
    expect(faults.map(({ fired }) => fired)).toEqual([0, 1]);
  });

  it('keeps no fault from its requests by a later one that reads what was', async () => {
    await using disk = await createDisk({ size: '1M' });
    const fault = disk.failNext({ op: 'write' });
    const stale = disk.inject('on read do stale');
    expect(await outcome(disk.write(0, DATA))).toBe('EIO');
    expect(await outcome(disk.write(0, DATA))).toBe('ok');
    expect((await disk.read(0, SECTOR))[0]).toBe(0);
    expect([fault.fired, stale.fired]).toEqual([1, 1]);
  });

  it('reads what was by one fault at a time', async () => {
    await using disk = await createDisk({ size: '1M' });
    const stale = disk.inject('on read sectors=0 do stale');
    expect(() => disk.inject('on read sectors=1 do stale')).toThrow('one fault at a time can do stale');
    stale.remove();
    disk.inject('on read sectors=1 do stale');
  });

  it('takes rules that are a state machine', async () => {
    await using disk = await createDisk({ size: '1M' });
    disk.inject([
      { on: ['write'], state: 'start', nth: 2, action: { kind: 'pass' }, newState: 'dying' },
      { on: ['read'], state: 'dying', action: { kind: 'error' } },
    ]);
    const log: string[] = [];
    for (let i = 0; i < 3; i++) {
      log.push(await outcome(disk.read(0, SECTOR)));
      await disk.write(0, DATA);
    }
    expect(log).toEqual(['ok', 'ok', 'EIO']);
  });

  it('does what rules can do to data: bit rot, torn, lost and misdirected writes', async () => {
    await using disk = await createDisk({ size: '1M', seed: 5 });
    const rot = disk.inject('on read do rot bits=1');
    const read = await disk.read(0, SECTOR);
    expect(read.equals(Buffer.alloc(SECTOR))).toBe(false);
    rot.remove();
    expect((await disk.read(0, SECTOR)).equals(Buffer.alloc(SECTOR))).toBe(true);
    disk.inject('on write once do torn=1');
    await disk.write(0, Buffer.alloc(2 * SECTOR, 1));
    expect([(await disk.read(0, 1024))[0], (await disk.read(0, 1024))[SECTOR]]).toEqual([1, 0]);
    disk.inject('on write once do drop');
    await disk.write(0, Buffer.alloc(SECTOR, 9));
    expect((await disk.read(0, SECTOR))[0]).toBe(1);
    disk.inject('on write once do misdirect=+8');
    await disk.write(0, Buffer.alloc(SECTOR, 7));
    expect([(await disk.read(0, SECTOR))[0], (await disk.read(4096, SECTOR))[0]]).toEqual([1, 7]);
  });

  it.each<[string, unknown, string]>([
    ['words that are none', 'on reed do error', 'reed'],
    ['no rule', [], 'no rule to inject'],
    ['an object that is none', {}, 'a rule has at least'],
    [
      'a predicate that is none',
      { on: ['read'], when: 'x', action: { kind: 'error' } },
      'when must be a function',
    ],
    ['the cache of another disk', 'on write do cache', 'cannot do cache: it has one'],
    ['the power of another disk', 'on write do power-cut', 'cannot do power-cut: use powerCut()'],
  ])('refuses %s', async (_, rules, text) => {
    await using disk = await createDisk({ size: '1M' });
    expect(() => disk.inject(rules as string)).toThrow(text);
    expect(await outcome(disk.flush())).toBe('ok');
  });
});

describe('faults from the start', () => {
  it('are there, and the same for one seed', async () => {
    const run = async (seed: number): Promise<string[]> => {
      await using disk = await createDisk({
        size: '1M',
        seed,
        faults: ['on read probability=0.3 do error=EIO'],
      });
      const reads = Array.from({ length: 100 }, (_, i) => outcome(disk.read(i * SECTOR, SECTOR)));
      return await Promise.all(reads);
    };
    const [first, again, other] = [await run(1), await run(1), await run(2)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(first.filter((result) => result === 'EIO').length).toBeGreaterThan(10);
  });

  it('share their states', async () => {
    const faults = ['on flush do pass new-state=bad', 'on read state=bad do error'];
    await using disk = await createDisk({ size: '1M', faults });
    expect(await outcome(disk.read(0, SECTOR))).toBe('ok');
    await disk.flush();
    expect(await outcome(disk.read(0, SECTOR))).toBe('EIO');
  });

  it.each<[unknown, string]>([
    ['on read do error', 'faults must be an array'],
    [[1], 'each of the faults must be a string'],
    [['on read do explode'], 'explode'],
  ])('cannot be %j', async (faults, text) => {
    await expect(createDisk({ size: '1M', faults: faults as string[] })).rejects.toThrow(text);
  });
});

it('a seed that is not given is told', async () => {
  const rerun = async (disk: Disk): Promise<string[]> => {
    disk.inject('on read probability=0.5 do error');
    return Promise.all(Array.from({ length: 50 }, () => outcome(disk.read(0, SECTOR))));
  };
  await using disk = await createDisk({ size: '1M' });
  await using same = await createDisk({ size: '1M', seed: disk.seed });
  expect(await rerun(same)).toEqual(await rerun(disk));
});
