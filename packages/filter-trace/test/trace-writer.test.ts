import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SLAB_SIZE } from '../src/slab.ts';
import { tempDirectory } from './temp.ts';
import { Traced } from './traced.ts';

const directory = tempDirectory();
const RECORD = 48;
/** Name `memory:disk`. */
const HEADER = 56;

let traced: Traced;
beforeEach(async () => {
  traced = await Traced.open();
});
afterEach(() => traced.close());

async function numbers(): Promise<number[]> {
  const { records } = await traced.read(directory);
  return records.map((record) => (record.kind === 'bio' ? record.number : -record.count));
}

describe('the way to the file', () => {
  it('begins a second after the first record, and needs no timer otherwise', async () => {
    await traced.attach();
    expect(traced.clock.pending).toBe(0);
    traced.run(3);
    traced.clock.advance(999);
    expect(traced.file.writes).toBe(1);
    traced.clock.advance(1);
    await traced.message('flush');
    expect(traced.file.writes).toBe(2);
    expect(traced.clock.pending).toBe(0);
    expect(await numbers()).toEqual([1, 2, 3]);
  });

  it('begins when the slab is full, and when the device is suspended', async () => {
    await traced.attach();
    traced.run(SLAB_SIZE / RECORD);
    await Promise.resolve();
    expect(traced.file.writes).toBe(2);
    traced.run(1);
    await traced.engine.attachFilter(traced.device, 'trace@470000 /other');
    await traced.message('flush').catch(() => undefined);
    expect(traced.file.bytes.length).toBe(HEADER + SLAB_SIZE + RECORD);
    await traced.engine.detachFilter(traced.device, 'trace@470000');
  });

  it('goes on behind a write that took only a part', async () => {
    await traced.attach();
    traced.file.longest = 100;
    traced.run(20);
    await traced.message('flush');
    expect(await numbers()).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it('ends with a detach that waits for it', async () => {
    await traced.attach();
    traced.run(3);
    const { file } = traced;
    file.hold();
    let detached = false;
    const detaching = traced.detach().then(() => (detached = true));
    await new Promise(setImmediate);
    expect({ detached, calls: file.calls }).toEqual({ detached: false, calls: [] });
    file.release();
    await detaching;
    expect(file.calls).toEqual(['datasync', 'close']);
    expect(await numbers()).toEqual([1, 2, 3]);
  });
});

describe('a file that is too slow', () => {
  const slabs = (4 * SLAB_SIZE) / RECORD;

  it('costs records, which are counted, and no bio', async () => {
    await traced.attach();
    traced.file.hold();
    traced.run(slabs);
    traced.clock.advance(1);
    traced.run(60);
    traced.clock.advance(2);
    traced.run(40);
    expect(traced.ended).toEqual(new Array(slabs + 100).fill(0));
    expect(await traced.status()).toBe(
      `recording records=${String(slabs)} dropped=100 bytes=${String(HEADER)}`,
    );
    traced.file.release();
    await traced.message('flush');
    traced.run(1);
    await traced.detach();
    const { records } = await traced.read(directory);
    expect(records.length).toBe(slabs + 2);
    expect(records.slice(-2)).toMatchObject([
      { kind: 'dropped', time: 1e6, duration: 2e6, count: 100 },
      { kind: 'bio', number: slabs + 101 },
    ]);
  });

  it('gets the record of a gap before the next bio', async () => {
    await traced.attach();
    traced.file.hold();
    traced.run(slabs + 7);
    traced.file.release();
    await new Promise(setImmediate);
    traced.run(2);
    await traced.message('flush');
    expect((await numbers()).slice(-4)).toEqual([slabs, -7, slabs + 8, slabs + 9]);
  });

  it('may be full with the record of a gap', async () => {
    await traced.attach(`max=${String(HEADER + 4 * SLAB_SIZE + RECORD)}`);
    traced.file.hold();
    traced.run(slabs + 7);
    traced.file.release();
    await new Promise(setImmediate);
    traced.run(2);
    await traced.message('flush');
    expect((await numbers()).slice(-2)).toEqual([slabs, -7]);
    expect(await traced.status()).toMatch(`full records=${String(slabs)} dropped=7 `);
  });
});

describe('a file that fails', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const failed =
    'failed records=0 dropped=5 bytes=56 filter trace: /the.trace: ENOSPC: no space left on device, write';

  it('ends the trace, not the I/O, and is reported', async () => {
    await traced.attach();
    traced.run(3);
    traced.file.failure = full;
    traced.clock.advance(1000);
    traced.run(2);
    await expect(traced.message('flush')).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await traced.status()).toBe(failed);
    traced.run(10);
    traced.clock.advance(5000);
    expect(await traced.status()).toBe(failed);
    expect(traced.ended).toEqual(new Array(15).fill(0));
    expect(traced.log).toEqual([expect.stringContaining('ENOSPC: no space left on device')]);
    await expect(traced.message('start')).rejects.toMatchObject({ code: 'ENOSPC' });
    await traced.detach();
    expect(traced.file.calls).toEqual(['close']);
  });

  it('fails the detach that finds it out', async () => {
    await traced.attach();
    traced.run(3);
    traced.file.failure = full;
    await expect(traced.detach()).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await traced.engine.filters(traced.device)).toEqual([]);
    expect(traced.file.calls).toEqual(['close']);
  });

  it('keeps what was written before', async () => {
    await traced.attach();
    traced.run(3);
    await traced.message('flush');
    traced.run(1);
    traced.file.failure = full;
    await expect(traced.message('flush')).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await traced.status()).toMatch(/^failed records=3 dropped=1 bytes=200 /);
    expect(await numbers()).toEqual([1, 2, 3]);
  });
});

describe('an attachment that is given up', () => {
  it('leaves no file behind', async () => {
    await traced.engine.attachFilter(traced.device, 'trace@470000 /other');
    traced.submit();
    const attaching = traced.attach();
    const refused = expect(attaching).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await new Promise(setImmediate);
    traced.clock.advance(10_000);
    await refused;
    expect(traced.file.calls).toEqual(['datasync', 'close', 'remove']);
    traced.end();
  });
});
