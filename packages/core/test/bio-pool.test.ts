import { describe, expect, it } from 'vitest';
import { Bio, BioFlag, BioOp, BioPool, Status } from '../src/index.ts';

/** What a user of a bio can see of it. */
function visible(bio: Bio): unknown {
  const { op, flags, sector, count, bufferOffset, status, result, cookie, copy, port, origin, tag, depth } =
    bio;
  const state = {
    op,
    flags,
    sector,
    count,
    bufferOffset,
    status,
    result,
    cookie,
    copy,
    port,
    origin,
    tag,
    depth,
  };
  return { ...state, bytes: bio.buffer.length };
}

describe('BioPool', () => {
  it('gives every bio out in the state of a new one', () => {
    const pool = new BioPool(1);
    const bio = pool.get();
    bio.op = BioOp.Discard;
    bio.flags = BioFlag.Fua;
    bio.sector = 7;
    bio.count = 9;
    bio.buffer = new Uint8Array(512);
    bio.bufferOffset = 3;
    bio.status = Status.Io;
    bio.result = Status.Io;
    bio.cookie = 4;
    bio.copy = 2;
    bio.tag = 'mine';
    bio.watch({ endIo: () => 0 });
    pool.put(bio);
    const again = pool.get();
    expect(again).toBe(bio);
    expect(visible(again)).toEqual(visible(new Bio()));
    expect(again.generation).toBe(1);
  });

  it('lets a bio lie while others are there, and makes new ones when all are out', () => {
    const pool = new BioPool(2);
    const [a, b, c] = [pool.get(), pool.get(), pool.get()];
    expect(new Set([a, b, c]).size).toBe(3);
    for (const bio of [b, a, c]) pool.put(bio);
    expect([pool.get() === b, pool.get() === a, pool.get() === c]).toEqual([true, true, true]);
  });

  it('counts what is out', () => {
    const pool = new BioPool(1);
    const bio = pool.get();
    pool.get();
    expect(pool.outstanding).toBe(2);
    pool.put(bio);
    expect(pool.outstanding).toBe(1);
  });

  it('takes no pending bio, and knows which are pending', () => {
    const pool = new BioPool(2);
    const bio = pool.get();
    bio.status = Status.Pending;
    expect([...pool.pending()]).toEqual([bio]);
    expect(() => {
      pool.put(bio);
    }).toThrow(TypeError);
    expect(pool.outstanding).toBe(1);
  });

  it('never gives out again what a fenced plugin may still hold', () => {
    const pool = new BioPool(1);
    const bio = pool.get();
    bio.abandoned = true;
    pool.put(bio);
    expect(pool.get()).not.toBe(bio);
    expect(pool.outstanding).toBe(1);
  });
});
