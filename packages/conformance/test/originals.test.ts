import { describe, expect, it } from 'vitest';
import {
  collect,
  coreSuite,
  deviceSuite,
  filterSuite,
  frontendSuite,
  memoryDriver,
  passFilter,
  spanTarget,
  targetSuite,
  type TestRunner,
} from '../src/index.ts';
import { DirectClient } from './mutants/client.ts';
import { queue } from './mutants/filters.ts';
import { stripesPlug } from './mutants/stripes.ts';
import { stripes } from './mutants/targets.ts';

/** Through the functions of the test framework, as plugins use the kit. */
targetSuite(
  { describe, it },
  { type: spanTarget, table: ([disk]) => `${disk!} 8`, place: (sector) => [0, sector + 8] },
);

/** Through the kit's own runner: the same cases, without a test of the framework for each. */
const suites: Readonly<Record<string, (runner: TestRunner) => void>> = {
  'the core': coreSuite,
  'the driver of memory disks': (runner) => {
    const memory = memoryDriver();
    let made = 0;
    const create = (sectors: number): { spec: string } => {
      const name = String(made++);
      memory.add(name, { sectors });
      return { spec: `memory:${name}` };
    };
    deviceSuite(runner, { type: memory, persists: true, create });
  },
  'a target over two disks': (runner) => {
    targetSuite(runner, { type: stripes, ...stripesPlug });
  },
  'the pass-through filter': (runner) => {
    filterSuite(runner, { type: passFilter });
  },
  'a filter that keeps bios for a while': (runner) => {
    filterSuite(runner, { type: queue });
  },
  'a frontend without a wire': (runner) => {
    frontendSuite(runner, { name: 'direct', serve: (port) => Promise.resolve(new DirectClient(port)) });
  },
};

describe('with another seed', () => {
  it.each(Object.entries(suites))('%s passes', async (_, register) => {
    const results = await collect(register, { seed: 2026 });
    expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    expect(results.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(100);
  });
});
