import { asyncFilter, BioOp } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { Workload } from '../src/demo/workload.ts';
import { createInterposer } from '../src/index.ts';

// The check of the demonstration must be able to fail.

async function problemsWith(
  handle: (sector: number, write: boolean, turn: number) => 'pass' | 'lose' | 'fail',
): Promise<string[]> {
  let turn = 0;
  const engine = createInterposer({
    types: [
      asyncFilter({
        name: 'faulty',
        altitude: '1',
        handle: async (bio, next) => {
          // As over a socket: other work gets its turn.
          await new Promise(setImmediate);
          const verdict = handle(bio.sector, bio.op === BioOp.Write, turn++);
          if (verdict === 'fail') throw new Error('faulty');
          if (verdict === 'pass') await next();
        },
      }),
    ],
  });
  await engine.create('disk', { table: '0 4096 linear ram:2M 0' });
  await engine.attachFilter('disk', 'faulty');
  const port = await engine.open('disk');
  const workload = new Workload(port);
  workload.start();
  while (workload.totals.writes < 100) await new Promise(setImmediate);
  await workload.stop();
  port.close();
  return workload.totals.problems;
}

describe('the workload of the demonstration', () => {
  it('finds nothing wrong with a sound device', async () => {
    expect(await problemsWith(() => 'pass')).toEqual([]);
  });

  it('finds a write that was acknowledged and lost', async () => {
    const problems = await problemsWith((_sector, write, turn) =>
      write && turn % 7 === 3 ? 'lose' : 'pass',
    );
    expect(problems.join()).toContain('lost write');
  });

  it('finds a request that failed', async () => {
    const problems = await problemsWith((_sector, write, turn) =>
      !write && turn % 9 === 4 ? 'fail' : 'pass',
    );
    expect(problems.join()).toContain('EIO');
  });
});
