import { hasOp, BioOp, type Limits, type PluginType } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { Replay } from './replay.ts';
import { scenario, type Scenario, scenarios, type Step, tableOf, typesOf } from './scenario.ts';
import { replayScenario } from './steps.ts';

/** Every recorded scenario whose name passes, replayed step by step: bytes, text, errors, and what reaches the disks. */
export function kernelIo(types: readonly PluginType[], wanted: (name: string) => boolean, file = 'io'): void {
  const chosen = scenarios(file).filter(({ name }) => wanted(name));
  describe('as the kernel', () => {
    it.each(chosen.map((one) => [one.name, one] as const))('%s', (_, one) => replayScenario(one, types));
  });
}

/**
 * Every recorded table of these types in a scenario, refused or taken as the kernel does; a refusal gives the kernel's
 * errno and reason. `except` names, by the notes of the steps, where another text is meant and says which: null where the table is
 * taken, undefined where the step has no meaning here.
 */
export function kernelRefusals(
  types: readonly PluginType[],
  name: string,
  except: Readonly<Record<string, string | null | undefined>> = {},
  file = 'refused',
): void {
  const recorded = scenario(file, name);
  const names = new Set(types.map((type) => type.name));
  const steps = recorded.steps.filter(
    (step) => step.argv?.[1] === 'create' && typesOf(tableOf(step)).every((type) => names.has(type)),
  );
  describe(`tables of ${name}`, () => {
    for (const step of steps) {
      const note = step.note ?? tableOf(step);
      const reason = note in except ? except[note] : reasonOf(step);
      if (reason === undefined) continue;
      it(note, async () => {
        const replay = new Replay(recorded, types);
        if (reason === null) await expectTaken(replay, recorded, step);
        else await expectRefused(replay, step, reason, note in except ? undefined : errnoOf(step));
        await replay.close();
      });
    }
  });
}

/** Nothing stays behind: no mapped device, no disk open. */
async function expectRefused(
  replay: Replay,
  step: Step,
  reason: string,
  code: string | undefined,
): Promise<void> {
  await expect(replay.command(step)).rejects.toMatchObject({
    message: expect.stringContaining(reason),
    ...(code === undefined ? {} : { code }),
  });
  expect(await replay.engine.list()).toEqual([]);
  expect(replay.engine.devices().flatMap((device) => [...device.ports])).toEqual([]);
}

/** The errno that the kernel's log line ends with. What is no block device there is no disk of the scenario here. */
function errnoOf({ dmesg = [] }: Step): string {
  const errno = dmesg
    .map((line) => /: table: .* \(-(\w+)\)$/.exec(line)?.[1])
    .find((one) => one !== undefined);
  return errno === 'ENOTBLK' ? 'ENOENT' : (errno ?? 'EINVAL');
}

/** The table is shown as the kernel shows it in the step that follows. */
async function expectTaken(replay: Replay, recorded: Scenario, step: Step): Promise<void> {
  expect(await replay.command(step)).toBe('');
  const shown = recorded.steps[recorded.steps.indexOf(step) + 1];
  if (step.code === 0 && shown?.argv?.[1] === 'table') expect(await replay.command(shown)).toBe(shown.stdout);
}

/** The text behind the device numbers and the target's name; null where the table was taken. */
function reasonOf({ code, dmesg }: Step): string | null {
  if (code === 0) return null;
  const line = dmesg?.find((text) => text.includes(': table: ')) ?? '';
  return line
    .replace(/^device-mapper: table: [\d:]+ /, '')
    .replace(/^(\w+: |table line \d+ )/, '')
    .replace(/ \(-\w+\)$/, '')
    .replace(/^(len=.* of )?(vd\w)/, '$1/dev/$2');
}

/** The limits of every recorded table of these types. */
export function kernelLimits(
  types: readonly PluginType[],
  except: readonly string[] = [],
  file = 'limits',
): void {
  const names = new Set(types.map((type) => type.name));
  describe('limits as the kernel', () => {
    for (const one of scenarios(file)) {
      for (const [index, step] of one.steps.entries()) {
        const table = step.argv?.[1] === 'create' ? tableOf(step) : '';
        const shown = one.steps[index + 1]?.limits;
        const usable = typesOf(table).every((type) => names.has(type)) && hasDisks(one, table);
        if (table === '' || shown === undefined || !usable) continue;
        const title = `${one.name}: ${table.trim().replaceAll('\n', '; ')}`;
        if (except.includes(title)) continue;
        it(title, async () => {
          const replay = new Replay(one, types);
          await replay.command(step);
          expect(summary(await replay.limits('/dev/mapper/x'))).toEqual(kernelSummary(shown));
          await replay.close();
        });
      }
    }
  });
}

/** The type has the version that the kernel lists. */
export function kernelVersion({ name, version }: PluginType, file: string): void {
  it('has the version of the kernel', () => {
    const listings = scenarios(file).flatMap(({ steps }) =>
      steps.filter(({ argv }) => argv?.[1] === 'targets'),
    );
    expect(listings[0]?.stdout?.split('\n')).toContain(`${name.padEnd(16)} v${version.join('.')}`);
  });
}

function hasDisks({ disks }: Scenario, table: string): boolean {
  return (table.match(/\/dev\/\w+/g) ?? []).every((node) => (disks[node]?.sectors ?? 0) > 0);
}

function summary(limits: Limits): Record<string, number | boolean> {
  return {
    logicalBlock: limits.logicalBlock,
    physicalBlock: limits.physicalBlock,
    ioMin: limits.ioMin,
    ioOpt: limits.ioOpt,
    discards: hasOp(limits.ops, BioOp.Discard),
    discardGranularity: limits.discardGranularity,
    writesZeroes: hasOp(limits.ops, BioOp.WriteZeroes),
    volatileCache: limits.volatileCache,
    rotational: limits.rotational,
    readOnly: limits.readOnly,
  };
}

function kernelSummary(limits: NonNullable<Step['limits']>): Record<string, number | boolean> {
  return {
    logicalBlock: Number(limits.logical_block_size),
    physicalBlock: Number(limits.physical_block_size),
    ioMin: Number(limits.minimum_io_size),
    ioOpt: Number(limits.optimal_io_size),
    discards: limits.discard_max_bytes !== 0,
    discardGranularity: Number(limits.discard_granularity),
    writesZeroes: limits.write_zeroes_max_bytes !== 0,
    volatileCache: limits.write_cache === 'write back',
    rotational: limits.rotational === 1,
    readOnly: limits.ro === 1,
  };
}
