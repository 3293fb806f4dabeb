import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { BioOp, hasOp, type Limits, type PluginType, type Port } from '@interposer/core';
import { expect } from 'vitest';
import { type Outcome, reached, Replay } from '../../conformance/test/kernel/replay.ts';
import type { Run, Scenario, Step } from '../../conformance/test/kernel/scenario.ts';

/** A step of delay.json: I/O may run in the background, until a step joins it. */
export type DelayStep = Step & { readonly join?: string; readonly release?: string };

/** The recorded scenarios. */
export function scenarios(): (Scenario & { readonly steps: readonly DelayStep[] })[] {
  const path = new URL('../../conformance/vectors/delay.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { scenarios: Scenario[] }).scenarios;
}

/** One of them. */
export function scenario(name: string): Scenario & { readonly steps: readonly DelayStep[] } {
  return scenarios().find((one) => one.name === name)!;
}

/** Runs a scenario step by step; text, results, data, and what reaches the disks must be those of the kernel. */
export async function replayScenario(one: Scenario, types: readonly PluginType[]): Promise<void> {
  const replay = new Replay(one, types);
  const background = new Map<string, Promise<Outcome>>();
  const held: Port[] = [];
  for (const [index, step] of (one.steps as readonly DelayStep[]).entries()) {
    const where = `step ${String(index)}: ${JSON.stringify(step).slice(0, 120)}`;
    if (step.argv !== undefined) await expectCommand(replay, step, where);
    else if (step.background !== undefined) {
      background.set(step.background, replay.io(step));
      // Now it has been sent.
      await setImmediate();
    } else if (step.hold !== undefined) held.push(await replay.engine.open('x'));
    else if (step.release !== undefined) held.pop()!.close();
    else if (step.join !== undefined) expect(await background.get(step.join), where).toEqual(outcomeOf(step));
    else await expectIo(replay, step, where);
  }
  await replay.close();
}

async function expectCommand(replay: Replay, step: DelayStep, where: string): Promise<void> {
  const verb = step.argv![1];
  const name = step.argv!.at(-1)!;
  const running =
    verb === 'suspend'
      ? replay.engine.suspend(name, { noflush: step.argv!.includes('--noflush') }).then(() => '')
      : verb === 'remove'
        ? replay.engine.remove(name, { force: step.argv!.includes('--force') }).then(() => '')
        : replay.command(step);
  if (step.code !== 0) {
    await expect(running, where).rejects.toThrow();
    return;
  }
  const text = await running;
  if (text !== undefined) expect(text, where).toBe(step.stdout);
}

async function expectIo(replay: Replay, step: DelayStep, where: string): Promise<void> {
  if (step.io === 'map') {
    expect(await replay.map(step), where).toEqual(step.map);
    replay.reset();
    return;
  }
  if (step.io !== 'disks') {
    expect(await replay.io(step), where).toEqual(outcomeOf(step));
    for (const disk of replay.disks.values()) expectReached(disk, step, where);
  }
  expect(replay.changes(), where).toEqual(step.disks ?? {});
  replay.reset();
}

/** Sectors only, for the kernel may join requests; of flushes the number, but where it makes two of a FUA write. */
function expectReached(disk: Parameters<typeof reached>[0], step: DelayStep, where: string): void {
  const lower = step.lower?.[disk.name];
  const { flush, ...sectors } = reached(disk);
  const recorded = Object.fromEntries(
    Object.keys(sectors).map((op) => [op, (lower?.[op] as readonly [number, number] | undefined)?.[1] ?? 0]),
  );
  expect(sectors, where).toEqual(recorded);
  if (step.io !== 'write_fua') expect(flush, where).toBe(lower?.flush ?? 0);
}

function outcomeOf({ result, bytes, data }: DelayStep): {
  result: string | undefined;
  bytes?: number;
  data?: readonly Run[];
} {
  return { result, ...(bytes === undefined ? {} : { bytes }), ...(data === undefined ? {} : { data }) };
}

/** The reason behind the device numbers and the target's name; null where the table was taken. */
export function reasonOf({ code, dmesg }: DelayStep): string | null {
  if (code === 0) return null;
  const line = dmesg?.find((text) => text.includes(': table: ')) ?? '';
  return line
    .replace(/^device-mapper: table: [\d:]+ /, '')
    .replace(/^delay: /, '')
    .replace(/ \(-\w+\)$/, '')
    .replace(/^(len=.* of )?(vd\w)/, '$1/dev/$2');
}

/** What a device offers, in the words of the engine. */
export function ourLimits(limits: Limits): Record<string, unknown> {
  const { logicalBlock, physicalBlock, ioMin, ioOpt, discardGranularity, volatileCache, rotational } = limits;
  return {
    ...{ logicalBlock, physicalBlock, ioMin, ioOpt, discardGranularity, volatileCache, rotational },
    discards: hasOp(limits.ops, BioOp.Discard),
    writesZeroes: hasOp(limits.ops, BioOp.WriteZeroes),
  };
}

/** The same of what the kernel showed. */
export function kernelLimits(limits: NonNullable<Step['limits']>): Record<string, unknown> {
  return {
    logicalBlock: limits.logical_block_size,
    physicalBlock: limits.physical_block_size,
    ioMin: limits.minimum_io_size,
    ioOpt: limits.optimal_io_size,
    discardGranularity: limits.discard_granularity,
    volatileCache: limits.write_cache === 'write back',
    rotational: limits.rotational === 1,
    discards: limits.discard_max_bytes !== 0,
    writesZeroes: limits.write_zeroes_max_bytes !== 0,
  };
}
