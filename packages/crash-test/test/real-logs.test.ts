import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { memoryDriver } from '@interposer/conformance';
import { BioFlag, createEngine, type Engine, Random } from '@interposer/core';
import { logWrites } from '@interposer/target-log-writes';
import { describe, expect, it } from 'vitest';
import { stamp } from '../../conformance/test/kernel/disk.ts';
import { type CrashState, searchCrashStates } from '../src/index.ts';
import { contentOf, sectorsOf, type Step } from './logs.ts';
import { possibleStates } from './model.ts';

const SECTORS = 8;
const PLENTY = { exhaustive: Infinity, perEpoch: Infinity, states: Infinity };

/** What a program asks of a disk, one after the other. FUA has the upper half: the log has no order for what overlaps it. */
function randomRequests(random: Random): Step[] {
  const steps: Step[] = [];
  for (let number = 0; number < 12; number++) {
    const kind = random.next();
    const [sector, letter] = [random.below(4), random.pick(['a', 'b', 'c'])];
    if (kind < 0.45) steps.push(['write', sector, letter.repeat(random.between(1, Math.min(2, 4 - sector)))]);
    else if (kind < 0.55) steps.push(['discard', sector, 1]);
    else if (kind < 0.7) steps.push(['fua', 4 + random.below(3), letter.repeat(2)]);
    else if (kind < 0.85) steps.push(['mark', `m${String(number)}`]);
    else steps.push(['flush']);
  }
  return steps;
}

async function perform(engine: Engine, [op, place, more]: Step): Promise<void> {
  if (op === 'mark') await engine.message('x', 0, ['mark', place]);
  else if (op === 'flush') await engine.flush('x');
  else if (op === 'discard') await engine.discard('x', place, more);
  else {
    const port = await engine.open('x', { claim: 'noexcl' });
    await port.write(place, sectorsOf(more), op === 'fua' ? BioFlag.Fua : 0);
    port.close();
  }
}

describe('logs of the log-writes target', () => {
  it.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'give what the requests could have left: seed %i',
    async (seed) => {
      const driver = memoryDriver();
      const letters = 'z.z.z.z.';
      for (const name of ['main', 'base'])
        driver.add(name, { sectors: SECTORS }).data.set(sectorsOf(letters));
      driver.add('log', { sectors: 256 });
      const engine = createEngine({ types: [logWrites, driver] });
      await engine.create('x', { table: `0 ${String(SECTORS)} log-writes memory:main memory:log` });
      const steps = randomRequests(new Random(seed));
      for (const step of steps) await perform(engine, step);
      await engine.remove('x');

      const [base, log] = [await engine.open('memory:base'), await engine.open('memory:log')];
      const visited = new Set<string>();
      const result = await searchCrashStates({
        base,
        log,
        ...PLENTY,
        check: async (state) => {
          visited.add(await contentOf(state));
          return { ok: true };
        },
      });
      expect(result).toMatchObject({ bounded: false, ambiguous: [] });
      const possible = possibleStates(letters, steps, 1);
      expect([...visited].sort(), JSON.stringify(steps)).toEqual([...possible.keys()].sort());
      base.close();
      log.close();
      await engine.close();
    },
  );
});

const FOLDER = new URL('../../conformance/vectors/log-writes/', import.meta.url);

/** A base and a log that a kernel wrote, and the disk that it left. */
function recorded(block: number) {
  const driver = memoryDriver();
  const read = (name: string): Buffer =>
    gunzipSync(readFileSync(new URL(`block-${String(block)}.${name}.gz`, FOLDER)));
  const { workloads } = JSON.parse(readFileSync(new URL('workloads.json', FOLDER), 'utf8')) as {
    workloads: { block: number; stamp: string; steps: (readonly [string, ...unknown[]])[] }[];
  };
  const workload = workloads.find((one) => one.block === block)!;
  const main = read('main');
  const limits = { logicalBlock: block, physicalBlock: block };
  const base = driver.add('base', { sectors: main.length / 512, limits });
  for (let sector = 0; sector < base.limits.sectors; sector++)
    base.data.set(stamp(workload.stamp, sector), sector * 512);
  const log = read('log');
  driver.add('log', { sectors: log.length / 512 }).data.set(log);
  return { engine: createEngine({ types: [driver] }), main, workload };
}

describe.each([512, 4096])('a log of the kernel with blocks of %i bytes', (block) => {
  it('ends as the disk of the kernel did, with all marks promised', async () => {
    const { engine, main, workload } = recorded(block);
    const [base, log] = [await engine.open('memory:base'), await engine.open('memory:log')];
    const last: CrashState[] = [];
    const result = await searchCrashStates({
      base,
      log,
      states: 400,
      check: async (state) => {
        if (state.lost.length === 0) last.push(state);
        return { ok: true };
      },
    });
    expect(result.epochs.length).toBeGreaterThan(5);
    expect(result.explored).toBe(400);
    const end = last.findLast(({ kept }) => kept.every(({ torn }) => torn === undefined))!;
    const left = Buffer.from(await end.read(0, end.sectors));
    expect(left.equals(main)).toBe(true);
    expect(end.epoch).toBe(result.epochs.length - 1);
    expect(end.promises).toHaveLength(workload.steps.filter(([op]) => op === 'mark').length);
    base.close();
    log.close();
    await engine.close();
  });
});
