import { afterEach, beforeEach, expect, it } from 'vitest';
import type { MemoryDisk } from '@interposer/conformance';
import { BioOp, type Engine, opSet, type Port } from '@interposer/core';
import { LogFlag, replay } from '../src/index.ts';
import { engineWith, full, logOf } from './logs.ts';

const LOG = logOf(512, [
  { first: 0, blocks: 2, data: full(1, 2) },
  { flags: LogFlag.Mark, mark: 'one' },
  { flags: LogFlag.Flush },
  { flags: LogFlag.Fua, first: 1, blocks: 1, data: full(2) },
  { flags: LogFlag.Mark, mark: 'two' },
  { flags: LogFlag.Discard, first: 0, blocks: 1 },
  { flags: LogFlag.Mark, mark: 'one' },
]);

let engine: Engine;
let disk: MemoryDisk;
let log: Port;
let target: Port;
beforeEach(async () => {
  ({ engine, disk } = engineWith(LOG));
  disk.data.fill(9);
  log = await engine.open('memory:log', { mode: 'read' });
  target = await engine.open('memory:disk');
});
afterEach(async () => {
  log.close();
  target.close();
  await engine.close();
});

/** The first bytes of the first sectors. */
function heads(): number[] {
  return [0, 1, 2].map((sector) => disk.data[sector * 512]!);
}

it.each([
  [{}, 7, [0, 2, 9]],
  [{ until: 'one' }, 2, [1, 1, 9]],
  [{ until: 'two' }, 5, [1, 2, 9]],
  [{ until: 0 }, 0, [9, 9, 9]],
  [{ until: 4 }, 4, [1, 2, 9]],
  [{ until: 100 }, 7, [0, 2, 9]],
])('with %j it does %i entries', async (options, entries, left) => {
  expect(await replay(log, target, options)).toBe(entries);
  expect(heads()).toEqual(left);
});

it('says that a mark is not there, when all has been done', async () => {
  await expect(replay(log, target, { until: 'three' })).rejects.toMatchObject({
    code: 'ENOENT',
    message: 'the log has no mark "three"',
  });
  expect(heads()).toEqual([0, 2, 9]);
});

it('flushes once, or as the log tells', async () => {
  await replay(log, target);
  expect(disk.arrived[BioOp.Flush]).toBe(1);
  await replay(log, target, { flushes: true });
  expect(disk.arrived[BioOp.Flush]).toBe(3);
});

it('writes zeroes where the target has no other way', async () => {
  const { engine: other, disk: plain } = engineWith(logOf(512, [{ flags: 4, first: 1, blocks: 5000 }]), 6000);
  plain.data.fill(9);
  Object.assign(plain.limits, { ops: opSet(BioOp.Read, BioOp.Write, BioOp.Flush) });
  const [from, to] = [await other.open('memory:log'), await other.open('memory:disk')];
  await replay(from, to);
  expect(plain.arrived[BioOp.Write]).toBe(3);
  expect(plain.data.findIndex((byte) => byte === 0)).toBe(512);
  expect(plain.data.lastIndexOf(0)).toBe(5001 * 512 - 1);
  expect(plain.data.subarray(512, 5001 * 512).every((byte) => byte === 0)).toBe(true);
  from.close();
  to.close();
  await other.close();
});
