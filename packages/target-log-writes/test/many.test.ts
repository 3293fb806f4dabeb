import { setImmediate } from 'node:timers/promises';
import { chaosDriver, Random, VirtualClock } from '@interposer/conformance';
import { BioFlag, BioOp, createEngine, type Port, type Status } from '@interposer/core';
import { expect, it } from 'vitest';
import { readLogHeader, replay } from '@interposer/write-log';
import { logWrites } from '../src/index.ts';
import { SECTORS, send, TABLE } from './bench.ts';

const ROUNDS = 8;

/** Lets time pass until it is there. */
async function wait<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let done = false;
  const end = (): void => {
    done = true;
  };
  promise.then(end, end);
  while (!done) {
    clock.advance(1);
    await setImmediate();
  }
  return promise;
}

/** One request for each sector at a time, for what overlapping ones leave is anybody's guess, and flushes between them. */
function sendRound(port: Port, random: Random): Promise<Status>[] {
  const sent: Promise<Status>[] = [];
  for (let sector = 0; sector < SECTORS; sector++) {
    const letter = String.fromCharCode(random.between(97, 122));
    const op = random.chance(0.2) ? BioOp.Discard : BioOp.Write;
    const fua = op === BioOp.Write && random.chance(0.2) ? BioFlag.Fua : 0;
    sent.push(send(port, op, sector, letter, fua));
    if (random.chance(0.1)) sent.push(send(port, BioOp.Flush));
  }
  return sent;
}

it.each([1, 2, 3])(
  'a replay leaves what many requests left on slow and reordering disks: seed %i',
  async (seed) => {
    const clock = new VirtualClock();
    const driver = chaosDriver();
    const main = driver.add('main', { sectors: SECTORS, delay: 5, seed });
    driver.add('log', { sectors: 4096, delay: 40, seed: seed + 10 });
    const fresh = driver.add('fresh', { sectors: SECTORS });
    const engine = createEngine({ types: [logWrites, driver], clock });
    await engine.create('x', { table: TABLE });
    const port = await engine.open('x');
    const random = new Random(seed);
    let requests = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const sent = sendRound(port, random);
      requests += sent.length;
      await wait(clock, Promise.all(sent));
      // With FUA it is logged before what was written earlier, so that must be logged first.
      await wait(clock, port.flush());
    }
    port.close();
    await wait(clock, engine.remove('x'));
    const [log, target] = [await engine.open('chaos:log'), await engine.open('chaos:fresh')];
    const { entries } = await wait(clock, readLogHeader(log));
    expect(entries).toBe(requests + ROUNDS + 1);
    expect(await wait(clock, replay(log, target))).toBe(entries);
    expect(fresh.data).toEqual(main.data);
    log.close();
    target.close();
    await engine.close();
  },
);
