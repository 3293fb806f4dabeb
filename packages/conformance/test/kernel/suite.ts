import { hasOp, BioOp, type Limits, type PluginType } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { type Deviation, deviationsOf, namesOf } from './deviations.ts';
import { Replay } from './replay.ts';
import { scenario, type Scenario, scenarios, type Step, tableOf, typesOf } from './scenario.ts';
import { replayScenario } from './steps.ts';

/**
 * Every recorded scenario whose name passes, replayed step by step: bytes, text, errors, and what reaches the disks. Those that
 * docs/deviations.md leaves out must differ.
 */
export function kernelIo(types: readonly PluginType[], wanted: (name: string) => boolean, file = 'io'): void {
  const chosen = scenarios(file).filter(({ name }) => wanted(name));
  asTheKernel(file, chosen, (one) => replayScenario(one, types));
}

/** The same with a way of its own to replay a scenario. */
export function asTheKernel(
  file: string,
  chosen: readonly Scenario[],
  replay: (one: Scenario) => Promise<void>,
): void {
  const leftOut = namesOf(file, 'left out');
  describe('as the kernel', () => {
    it.each(chosen.map((one) => [one.name, one] as const))('%s', async (name, one) => {
      if (leftOut.includes(name)) await expect(replay(one)).rejects.toThrow();
      else await replay(one);
    });

    it('but for scenarios that there are', () => {
      expect(chosen.map(({ name }) => name)).toEqual(expect.arrayContaining(leftOut));
    });
  });
}

/**
 * Every recorded table of these types in a scenario, refused or taken as the kernel does; a refusal gives the kernel's
 * errno and reason. docs/deviations.md names, by the notes of the steps, where something else is meant: there it must be that, and
 * differ.
 */
export function kernelRefusals(types: readonly PluginType[], name: string, file = 'refused'): void {
  const recorded = scenario(file, name);
  const deviations = deviationsOf(name);
  const names = new Set(types.map((type) => type.name));
  const all = recorded.steps.filter((step) => step.argv?.[1] === 'create');
  const steps = all.filter((step) => typesOf(tableOf(step)).every((type) => names.has(type)));
  describe(`tables of ${name}`, () => {
    for (const step of steps) {
      const note = noteOf(step);
      const deviation = deviations.get(note);
      if (deviation?.kind === 'left out') continue;
      it(note, async () => {
        const replay = new Replay(recorded, types);
        if (deviation !== undefined) await expectDeviation(replay, recorded, step, deviation);
        else if (reasonOf(step) === null) await expectTaken(replay, recorded, step);
        else await expectRefused(replay, step, reasonOf(step)!, errnoOf(step));
        await replay.close();
      });
    }

    it('has the steps that docs/deviations.md names', () => {
      expect(all.map(noteOf)).toEqual(expect.arrayContaining([...deviations.keys()]));
    });
  });
}

function noteOf(step: Step): string {
  return step.note ?? tableOf(step);
}

/** What the page says, and not what the kernel does. */
async function expectDeviation(
  replay: Replay,
  recorded: Scenario,
  step: Step,
  { kind, text }: Deviation,
): Promise<void> {
  if (kind === 'taken') {
    expect(reasonOf(step)).not.toBeNull();
    await expectTaken(replay, recorded, step);
    return;
  }
  const { message, code } = await expectRefused(replay, step, text, undefined);
  const reason = reasonOf(step);
  expect(reason !== null && message.includes(reason) && code === errnoOf(step), 'it is as the kernel').toBe(
    false,
  );
}

/** Nothing stays behind: no mapped device, no disk open. */
async function expectRefused(
  replay: Replay,
  step: Step,
  reason: string,
  code: string | undefined,
): Promise<{ message: string; code: string | undefined }> {
  const refusal: unknown = await replay.command(step).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refusal).toMatchObject({
    message: expect.stringContaining(reason),
    ...(code === undefined ? {} : { code }),
  });
  expect(await replay.engine.list()).toEqual([]);
  expect(replay.engine.devices().flatMap((device) => [...device.ports])).toEqual([]);
  return refusal as { message: string; code: string | undefined };
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

/** The limits of every recorded table of these types; those that docs/deviations.md leaves out, by scenario and table, must differ. */
export function kernelLimits(types: readonly PluginType[], file = 'limits'): void {
  const names = new Set(types.map((type) => type.name));
  describe('limits as the kernel', () => {
    for (const one of scenarios(file)) {
      const leftOut = namesOf(one.name, 'left out');
      for (const [index, step] of one.steps.entries()) {
        const table = step.argv?.[1] === 'create' ? tableOf(step) : '';
        const shown = one.steps[index + 1]?.limits;
        const usable = typesOf(table).every((type) => names.has(type)) && hasDisks(one, table);
        if (table === '' || shown === undefined || !usable) continue;
        const title = table.trim().replaceAll('\n', '; ');
        it(`${one.name}: ${title}`, async () => {
          const replay = new Replay(one, types);
          await replay.command(step);
          const limits = summary(await replay.limits('/dev/mapper/x'));
          if (leftOut.includes(title)) expect(limits).not.toEqual(kernelSummary(shown));
          else expect(limits).toEqual(kernelSummary(shown));
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
