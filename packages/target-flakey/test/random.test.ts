import { createEngine, type Engine, type PluginType, type Port, Status } from '@interposer/core';
import { chaosDriver, type ChaosDisk, VirtualClock } from '@interposer/conformance';
import { afterEach, describe, expect, it } from 'vitest';
import { flakey, flakeyFilter } from '../src/index.ts';

const SECTOR = 512;
const REQUESTS = 20_000;

/** A byte that changed: where in its request, and what it became. */
type Change = readonly [offset: number, value: number];

describe('random corruption', () => {
  let engine: Engine;
  let disk: ChaosDisk;
  let port: Port;

  async function open(types: readonly PluginType[], table: string): Promise<void> {
    const driver = chaosDriver();
    disk = driver.add('a', { sectors: 64 });
    engine = createEngine({ types: [...types, driver], clock: new VirtualClock() });
    if (table === '') port = await engine.open('chaos:a');
    else {
      await engine.create('x', { table });
      port = await engine.open('x');
    }
  }

  afterEach(async () => {
    port.close();
    await engine.close();
  });

  /** Reads two sectors of zeroes over and over; a byte that became zero again is not seen. */
  async function readChanges(times: number): Promise<Change[]> {
    const found: Change[] = [];
    for (let i = 0; i < times; i++) found.push(...changesOf(await port.read(4, 2)));
    return found;
  }

  async function writeChanges(times: number): Promise<Change[]> {
    const found: Change[] = [];
    const data = new Uint8Array(2 * SECTOR);
    for (let i = 0; i < times; i++) {
      await port.write(4, data);
      found.push(...changesOf(disk.data.subarray(4 * SECTOR, 6 * SECTOR)));
    }
    expect(changesOf(data)).toEqual([]);
    return found;
  }

  function changesOf(data: Uint8Array): Change[] {
    const changed: Change[] = [];
    for (let at = data.findIndex((byte) => byte !== 0); at >= 0 && at < data.length; at++)
      if (data[at] !== 0) changed.push([at, data[at]!]);
    return changed;
  }

  /** So many as asked for, in every part of a request, and of all values: within six deviations. */
  function expectDistribution(changes: readonly Change[], probability: number): void {
    const seen = (probability * 255) / 256;
    expectNear(changes.length, REQUESTS, seen);
    for (let part = 0; part < 8; part++) {
      expectNear(changes.filter(([offset]) => offset >> 7 === part).length, REQUESTS, seen / 8);
      const values = changes.filter(([, value]) => value >> 5 === part).length;
      expectNear(values, REQUESTS, (probability * (part === 0 ? 31 : 32)) / 256);
    }
  }

  function expectNear(count: number, times: number, probability: number): void {
    const deviation = Math.sqrt(times * probability * (1 - probability));
    expect(Math.abs(count - times * probability)).toBeLessThan(6 * deviation);
  }

  it('of reads: one byte of so many of them, anywhere, of any value', async () => {
    await open([flakey], '0 64 flakey chaos:a 0 0 1 2 random_read_corrupt 300000000');
    expectDistribution(await readChanges(REQUESTS), 0.3);
    expect(disk.data.every((byte) => byte === 0)).toBe(true);
  });

  it('of writes: one byte of so many of them, anywhere, of any value', async () => {
    await open([flakey], '0 64 flakey chaos:a 0 0 1 2 random_write_corrupt 50000000');
    expectDistribution(await writeChanges(REQUESTS), 0.05);
  });

  it('of all requests', async () => {
    await open([flakey], '0 64 flakey chaos:a 0 0 1 2 random_write_corrupt 1000000000');
    const changes = await writeChanges(REQUESTS);
    expectDistribution(changes, 1);
    expect(new Set(changes.map(([, value]) => value)).size).toBe(255);
    expect(changesOf(await port.read(0, 4))).toEqual([]);
  });

  it('comes beside a fixed byte', async () => {
    const words = '7 corrupt_bio_byte 1 r 9 0 random_read_corrupt 1000000000';
    await open([flakey], `0 64 flakey chaos:a 0 0 1 ${words}`);
    const changes = await readChanges(1000);
    expect(changes.filter(([offset]) => offset === 0).length).toBeGreaterThan(950);
    expect(changes.filter(([offset]) => offset !== 0).length).toBeGreaterThan(950);
  });

  it('is the same each time for one seed of the filter, and another for another', async () => {
    const runs: Change[][] = [];
    for (const seed of [5, 5, 6]) {
      await open([flakeyFilter], '');
      const spec = `flakey 0 1 6 random_read_corrupt 500000000 random_write_corrupt 5000000 seed ${String(seed)}`;
      await engine.attachFilter(port.device.number, spec);
      runs.push(await readChanges(200));
      if (runs.length === 3) break;
      port.close();
      await engine.close();
    }
    expect(runs[0]!.length).toBeGreaterThan(50);
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).not.toEqual(runs[0]);
  });

  it('takes no random number for a read that failed', async () => {
    const runs: Change[][] = [];
    for (const failures of [0, 3]) {
      await open([flakeyFilter], '');
      await engine.attachFilter(port.device.number, 'flakey 0 1 4 random_read_corrupt 500000000 seed 5');
      disk.fail(Status.Io, { times: failures });
      for (let i = 0; i < failures; i++) await expect(port.read(4, 2)).rejects.toMatchObject({ code: 'EIO' });
      runs.push(await readChanges(50));
      if (runs.length === 2) break;
      port.close();
      await engine.close();
    }
    expect(runs[1]).toEqual(runs[0]);
  });
});
