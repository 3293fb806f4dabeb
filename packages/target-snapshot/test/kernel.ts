import { setImmediate } from 'node:timers/promises';
import { spanTarget } from '@interposer/conformance';
import { BioFlag, isInterposerError, type PluginType, SECTOR_SIZE } from '@interposer/core';
import { expect } from 'vitest';
import { stamp } from '../../conformance/test/kernel/disk.ts';
import { reached, Replay } from '../../conformance/test/kernel/replay.ts';
import type { Run, Scenario, Step } from '../../conformance/test/kernel/scenario.ts';
import { snapshot, snapshotMerge, snapshotOrigin } from '../src/index.ts';

/** The recorded tables have small disks as `linear` ones. */
const TYPES: readonly PluginType[] = [
  snapshot,
  snapshotMerge,
  snapshotOrigin,
  { ...spanTarget, name: 'linear' },
];

/** What the recorded steps have beside those of other targets. */
type SnapshotStep = Step & {
  /** Seconds that pass: a merge comes to its end. */
  readonly sleep?: number;
  /** The letter of the stamps that a write brings. */
  readonly stamp?: string;
};

/** Runs a recorded scenario, whose disks keep what is written: text, results, data, and what reaches the disks. */
export async function replaySnapshots(one: Scenario): Promise<void> {
  const replay = new Replay(one, TYPES);
  for (const [index, step] of (one.steps as readonly SnapshotStep[]).entries()) {
    const where = `step ${String(index)}: ${JSON.stringify(step).slice(0, 140)}`;
    if (step.argv !== undefined) await command(replay, step, where);
    else if (step.io !== undefined) await io(replay, step, where);
    // A merge here goes on whenever nothing else does.
    else for (let turns = 0; turns < 400; turns++) await setImmediate();
  }
  await replay.close();
}

async function command(replay: Replay, recordedStep: Step, where: string): Promise<void> {
  const step = { ...recordedStep, argv: nameFirst(recordedStep.argv!) };
  const [, verb = '', name = ''] = step.argv;
  replay.takeLog();
  try {
    if (verb === 'clear') await replay.engine.clear(name);
    const text = await replay.command(step);
    expect(step.code, where).toBe(0);
    if (text !== undefined) expect(text, where).toBe(step.stdout);
  } catch (error) {
    if (!isInterposerError(error) || step.code === 0) throw error;
    const said = [error.message, ...replay.takeLog()].join('\n');
    for (const line of reasonsOf(step)) expect(said, where).toContain(line);
  }
}

/** `create --readonly NAME` with the name before the option. */
function nameFirst(argv: readonly string[]): readonly string[] {
  const [program = '', verb = '', option = '', ...others] = argv;
  return option === '--readonly' ? [program, verb, ...others, option] : argv;
}

/** What the kernel logged as the reason, without its own words. */
function reasonsOf({ dmesg = [] }: Step): string[] {
  const lines = dmesg.filter((line) => line.includes('snapshot') && !line.includes('preresume failed'));
  return lines.map((line) => line.replace(/^device-mapper: (table: [\d:]+ )?[\w -]+: | \(-\w+\)$|\.$/g, ''));
}

async function io(replay: Replay, step: SnapshotStep, where: string): Promise<void> {
  const { io: op = '' } = step;
  forget(replay);
  if (op === 'disks') expect(changes(replay), where).toEqual(step.disks ?? {});
  else if (op === 'map') expect(await replay.map(step), where).toEqual(step.map);
  else {
    const { result, bytes, data } = step;
    const expected = {
      result,
      ...(bytes === undefined ? {} : { bytes }),
      ...(data === undefined ? {} : { data }),
    };
    const isLettered = op.startsWith('write') && step.stamp !== 'W';
    expect(isLettered ? await write(replay, step) : await replay.io(step), where).toEqual(expected);
    for (const disk of replay.disks.values()) {
      const { read, write: written, discard } = reached(disk);
      const sectors = (op: string): number =>
        (step.lower?.[disk.name] as Record<string, readonly [number, number]> | undefined)?.[op]?.[1] ?? 0;
      expect({ read, discard }, where).toEqual({ read: sectors('read'), discard: sectors('discard') });
      // How often an area of a store is written depends on the time that things take.
      if (disk.facts.stamp !== 'zero') expect(written, where).toBe(sectors('write'));
    }
  }
}

/** A write of other stamps than the usual ones. */
async function write(replay: Replay, step: SnapshotStep): Promise<unknown> {
  const { device = '', sector = 0, count = 0, stamp: letter = '' } = step;
  const port = await replay.engine.open(device.replace('/dev/mapper/', ''), { claim: 'noexcl' });
  const left = Math.min(count, port.limits.sectors - sector);
  const stamps = Array.from({ length: left }, (_, index) => stamp(letter, sector + index));
  try {
    const fua = step.io === 'write_fua';
    await port.write(sector, Buffer.concat(stamps), fua ? BioFlag.Fua : 0);
    if (fua) await port.flush();
    return { result: 'ok', bytes: left * SECTOR_SIZE };
  } catch (error) {
    return { result: (error as { code?: string }).code };
  } finally {
    port.close();
  }
}

/** What differs on the disks from what they held at first. */
function changes(replay: Replay): Record<string, Run[]> {
  const changed = [...replay.disks.values()].map((disk) => [disk.name, disk.changes()] as const);
  return Object.fromEntries(changed.filter(([, runs]) => runs.length > 0));
}

function forget(replay: Replay): void {
  for (const disk of replay.disks.values()) {
    disk.requests.fill(0);
    disk.sectors.fill(0);
  }
}
