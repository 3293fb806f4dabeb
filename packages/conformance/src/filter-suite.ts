import type { Case } from './cases.ts';
import { boundsCases, completionCases, windowCases } from './cases/bio.ts';
import { dataCases, flushCases, zeroingCases } from './cases/data.ts';
import { failureCases, stabilityCases } from './cases/failure.ts';
import { filterCases, type FilterRig } from './cases/filter.ts';
import { lifecycleCases, portCases } from './cases/lifecycle.ts';
import type { FilterPlug } from './plugs.ts';
import type { Rig } from './rig.ts';
import type { TestRunner } from './runner.ts';
import { runSuite, type Variant } from './suite.ts';
import { defaultArgs } from './target-rig.ts';
import type { ChaosOptions } from './tools/chaos-disk.ts';

const DEFAULT_SECTORS = 1024;

/** Registers the suite for a filter type. */
export function filterSuite(runner: TestRunner, plug: FilterPlug): void {
  const { type } = plug;
  const subject: FilterRig = {
    plug,
    sectors: plug.sectors ?? DEFAULT_SECTORS,
    content: plug.content ?? 'kept',
    specAt: (rig, altitude) => `${type.name}@${altitude} ${argsOf(rig, plug)}`.trimEnd(),
  };
  runSuite(runner, {
    subject: `filter ${type.name}`,
    variants: variantsOf(subject),
    rig: { types: [type, ...(plug.types ?? [])], realTime: null },
  });
}

/** Names of fresh spare disks for the device parameters, as words. */
function argsOf(rig: Rig, plug: FilterPlug): string {
  const { params, name } = plug.type;
  const wanted = params.filter(({ kind }) => kind === 'device').length;
  const sectors = plug.sectors ?? DEFAULT_SECTORS;
  const spares = Array.from({ length: wanted }, () => rig.addDisk({ sectors }, false));
  return plug.args?.(spares) ?? defaultArgs(name, params, spares);
}

function variantsOf(subject: FilterRig): Variant[] {
  const { altitude } = subject.plug.type;
  const cases: readonly Case[] = [
    ...dataCases,
    ...zeroingCases,
    ...flushCases,
    ...boundsCases,
    ...windowCases,
    ...completionCases,
    ...failureCases,
    ...stabilityCases,
    ...portCases,
    ...filterCases(subject),
  ];
  // The next digit behind the point, or the first one.
  const above = altitude.includes('.') ? `${altitude}5` : `${altitude}.5`;
  return [
    {
      name: 'plain',
      cases,
      build: (rig) => build(rig, subject, {}, (one) => [one(altitude)]),
    },
    {
      name: 'stacked on itself',
      cases,
      build: (rig) => build(rig, subject, {}, (one) => [one(altitude), one(above)]),
    },
    {
      name: 'between pass-through filters',
      cases,
      build: (rig) => build(rig, subject, {}, (one) => ['pass@0.5', one(altitude), 'pass@999999']),
    },
    {
      name: 'over a late and reordering disk',
      cases,
      build: (rig) => build(rig, subject, { delay: 5, limits: { maxSectors: 24 } }, (one) => [one(altitude)]),
    },
    {
      name: 'on a mapped device',
      cases: [...cases, ...lifecycleCases],
      build: (rig) => buildMapped(rig, subject),
    },
  ];
}

async function build(
  rig: Rig,
  subject: FilterRig,
  options: Partial<ChaosOptions>,
  specs: (one: (altitude: string) => string) => readonly string[],
): Promise<void> {
  const disk = rig.addDisk({ sectors: subject.sectors, volatile: true, ...options });
  // The filters of a leaf device are forgotten with its last port, so the port comes first.
  await rig.open(disk, subject.content);
  await attachAll(
    rig,
    specs((altitude) => subject.specAt(rig, altitude)),
  );
}

async function buildMapped(rig: Rig, subject: FilterRig): Promise<void> {
  const disk = rig.addDisk({ sectors: subject.sectors, volatile: true });
  const table = `0 ${String(subject.sectors)} span ${disk} 0`;
  await rig.wait(rig.engine.create('mapped', { table }));
  await rig.open('mapped', subject.content);
  await attachAll(rig, [subject.specAt(rig, subject.plug.type.altitude)]);
}

async function attachAll(rig: Rig, specs: readonly string[]): Promise<void> {
  for (const spec of specs) await rig.wait(rig.engine.attachFilter(rig.device, spec));
}
