import { Status } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { noise } from './images.ts';
import { withParity } from './parity-world.ts';
import { outcome } from './world.ts';

describe('parity', () => {
  it('makes up for what cannot be read', async () => {
    const { world, words } = await withParity(4);
    const port = await world.open(words);
    world.data.fail(Status.Io, { times: 1 });
    expect(Buffer.from(await port.read(0, 8)).equals(world.good.subarray(0, 8 * 512))).toBe(true);
    world.hash.fail(Status.Io, { times: 2 });
    expect(Buffer.from(await port.read(280, 8)).equals(world.good.subarray(280 * 512, 288 * 512))).toBe(true);
    expect(await world.status()).toBe('V');
  });

  it('makes up for a few bad blocks among many requests at once', async () => {
    const { world, words } = await withParity(4);
    const port = await world.open(words);
    for (const block of [10, 11, 40, 132]) world.data.data.set(noise(block, 512), block * 512);
    world.hash.data.set(noise(5, 512), 4 * 512);
    const reads = Array.from({ length: 37 }, (_, at) => port.read(at * 8, 8));
    const bytes = Buffer.concat(await Promise.all(reads));
    expect(bytes.equals(world.good.subarray(0, bytes.length))).toBe(true);
    expect(world.log.every((line) => /FEC \d+: corrected \d+ errors/.test(line))).toBe(true);
    expect(await world.status()).toBe('V');
  });

  it('cannot be read itself', async () => {
    const { world, words } = await withParity(4);
    const port = await world.open(`${words} restart_on_error`);
    world.data.data[0]! ^= 1;
    world.parity.fail(Status.Io);
    expect(await outcome(port.read(0, 1))).toBe('EIO');
    expect(await world.status()).toBe('C');
    expect(await outcome(port.read(1, 1))).toBe('ok');
    world.data.fail(Status.Io, { times: 1 });
    expect(await outcome(port.read(0, 1))).toBe('EIO');
    expect(world.emergencies).toEqual(['restart']);
  });

  it('is no device of a filter', async () => {
    const { world, words } = await withParity(4);
    const port = await world.engine.open('chaos:data', { claim: 'noexcl' });
    const attaching = world.engine.attachFilter('chaos:data', `verity 1 chaos:hash ${world.words(words)}`);
    await expect(attaching).rejects.toMatchObject({
      code: 'ENOTSUP',
      message: expect.stringContaining('FEC device lookup failed'),
    });
    port.close();
  });
});
