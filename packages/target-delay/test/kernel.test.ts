import { defineTarget, ALL_OPS, MapResult } from '@interposer/core';
import { spanTarget } from '@interposer/conformance';
import { describe, expect, it } from 'vitest';
import { Replay } from '../../conformance/test/kernel/replay.ts';
import { delay } from '../src/index.ts';
import {
  kernelLimits,
  ourLimits,
  reasonOf,
  replayScenario,
  scenario,
  scenarios,
  type DelayStep,
} from './kernel.ts';

/** What the recorded tables have besides delay; the kit's own is as good as linear here. */
const linear = { ...spanTarget, name: 'linear' };
const error = defineTarget({
  name: 'error',
  version: [1, 0, 0],
  ops: ALL_OPS,
  params: [],
  create: () => ({ map: () => MapResult.Kill, areas: () => [], table: () => '' }),
});

/** Recorded tables, each of which is looked at by itself below. */
const TABLES = ['delay-arguments', 'delay-limits'];

describe('as the kernel', () => {
  const chosen = scenarios().filter(({ name }) => !TABLES.includes(name));
  it.each(chosen.map((one) => [one.name, one] as const))('%s', async (_, one) => {
    await replayScenario(one, [delay, linear, error]);
  });
});

/** Where another text is meant than the kernel's, by note; null where the table is taken. */
const OTHERWISE: Readonly<Record<string, string | null>> = {
  // The kernel cuts them to 32 bits.
  'delay 2^32': 'Invalid delay',
  'delay 2^32+5': 'Invalid delay',
  'delay over 64 bits': 'Invalid delay',
  // All words are checked before a device is opened.
  'no such device, and a bad write offset': 'Invalid device sector',
  // The kernel calls the same an alignment inconsistency.
  'start not aligned': 'start=4 not aligned to h/w logical block size 4096 of /dev/vdd',
  'write start not aligned': 'start=4 not aligned to h/w logical block size 4096 of /dev/vdd',
  'flush start not aligned': 'start=4 not aligned to h/w logical block size 4096 of /dev/vdd',
  // Core holds each device to its own blocks, the kernel to the largest of the row.
  'start not aligned to the block of another device': null,
};

describe('tables of delay', () => {
  const recorded = scenario('delay-arguments');
  for (const [index, step] of recorded.steps.entries()) {
    const { note } = step;
    if (note === undefined) continue;
    it(note, async () => {
      const replay = new Replay(recorded, [delay]);
      const reason = note in OTHERWISE ? OTHERWISE[note]! : reasonOf(step);
      if (reason === null) await expectTaken(replay, step, recorded.steps[index + 1]!);
      else await expectRefused(replay, step, reason);
      await replay.close();
    });
  }
});

async function expectTaken(replay: Replay, step: DelayStep, shown: DelayStep): Promise<void> {
  expect(await replay.command(step)).toBe('');
  if (step.code === 0) expect(await replay.command(shown)).toBe(shown.stdout);
}

/** Nothing stays behind: no mapped device, no disk open. */
async function expectRefused(replay: Replay, step: DelayStep, reason: string): Promise<void> {
  await expect(replay.command(step)).rejects.toThrow(reason);
  expect(await replay.engine.list()).toEqual([]);
  expect(replay.engine.devices().flatMap((device) => [...device.ports])).toEqual([]);
}

describe('limits of delay', () => {
  const recorded = scenario('delay-limits');
  for (const [index, step] of recorded.steps.entries()) {
    if (step.argv?.[1] !== 'create') continue;
    it(step.stdin!.trim(), async () => {
      const replay = new Replay(recorded, [delay]);
      await replay.command(step);
      const limits = await replay.limits('/dev/mapper/x');
      expect(ourLimits(limits)).toEqual(kernelLimits(recorded.steps[index + 1]!.limits!));
      await replay.close();
    });
  }
});

it('has the version of the kernel', () => {
  const { stdout } = scenario('delay-limits').steps.at(-1)!;
  expect(stdout!.split('\n')).toContain(`delay            v${delay.version.join('.')}`);
});
