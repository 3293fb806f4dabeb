import { BioOp, opSet } from '@interposer/core';
import type { Case } from './cases.ts';
import { boundsCases, completionCases, windowCases } from './cases/bio.ts';
import { dataCases, flushCases, zeroingCases } from './cases/data.ts';
import { failureCases, stabilityCases } from './cases/failure.ts';
import { lifecycleCases, portCases } from './cases/lifecycle.ts';
import { tableCases } from './cases/table.ts';
import type { TargetPlug } from './plugs.ts';
import type { Rig } from './rig.ts';
import type { TestRunner } from './runner.ts';
import { runSuite, type Variant } from './suite.ts';
import { addDisks, createTarget, type TargetRig, targetRig } from './target-rig.ts';

/** Sectors of the kit's own row in front of the one under test. Odd on purpose. */
const FIRST_ROW = 88;

/** Registers the suite for a target type: each case in each surrounding that the type allows. */
export function targetSuite(runner: TestRunner, plug: TargetPlug): void {
  const subject = targetRig(plug);
  runSuite(runner, {
    subject: `target ${plug.type.name}`,
    variants: targetVariants(plug, subject),
    rig: { types: [plug.type, ...(plug.types ?? [])], realTime: null },
  });
}

function targetVariants(plug: TargetPlug, subject: TargetRig): Variant[] {
  const cases = casesOf(subject);
  const variants = [
    {
      name: 'plain',
      cases,
      build: (rig: Rig) => createTarget(rig, subject, addDisks(rig, subject, { volatile: true })),
    },
    { name: 'under a pass-through filter', cases, build: (rig: Rig) => buildFiltered(rig, subject) },
  ];
  if (subject.devices > 0) {
    variants.push(
      { name: 'over late and reordering disks', cases, build: (rig) => buildChaos(rig, subject) },
      { name: 'over disks that only read, write and flush', cases, build: (rig) => buildBare(rig, subject) },
    );
  }
  if (plug.type.features.singleton === true) return variants;
  const second = targetRig(plug, FIRST_ROW);
  variants.push({
    name: 'as the second row',
    cases: casesOf(second),
    build: (rig) => buildSecondRow(rig, second),
  });
  if (subject.devices > 0)
    variants.push({ name: 'stacked on itself', cases, build: (rig) => buildStacked(rig, subject) });
  return variants;
}

function casesOf(subject: TargetRig): readonly Case[] {
  return [
    ...dataCases,
    ...zeroingCases,
    ...flushCases,
    ...boundsCases,
    ...windowCases,
    ...completionCases,
    ...failureCases,
    ...stabilityCases,
    ...lifecycleCases,
    ...portCases,
    ...tableCases(subject),
  ];
}

async function buildFiltered(rig: Rig, subject: TargetRig): Promise<void> {
  const disks = addDisks(rig, subject, { volatile: true });
  await createTarget(rig, subject, disks);
  for (const name of [...disks, rig.device]) {
    await rig.wait(rig.engine.attachFilter(name, 'pass@300000'));
    await rig.wait(rig.engine.attachFilter(name, 'pass@300000.5'));
  }
}

function buildChaos(rig: Rig, subject: TargetRig): Promise<void> {
  // Pieces of 24 sectors: no power of two, so that they fit no chunk.
  const disks = addDisks(rig, subject, { delay: 5, volatile: true, limits: { maxSectors: 24 } });
  return createTarget(rig, subject, disks);
}

function buildBare(rig: Rig, subject: TargetRig): Promise<void> {
  const ops = opSet(BioOp.Read, BioOp.Write, BioOp.Flush);
  return createTarget(
    rig,
    subject,
    addDisks(rig, subject, { volatile: true, limits: { ops, discardGranularity: 0 } }),
  );
}

function buildSecondRow(rig: Rig, subject: TargetRig): Promise<void> {
  const disks = addDisks(rig, subject, { volatile: true });
  const spare = rig.addDisk({ sectors: FIRST_ROW }, false);
  return createTarget(rig, subject, disks, `0 ${String(FIRST_ROW)} span ${spare} 0\n`);
}

/** Each device below is a device of the same type again, made longer by a row of the kit's own where the table needs it. */
async function buildStacked(rig: Rig, subject: TargetRig): Promise<void> {
  const { sectors, deviceSectors, type, args } = subject;
  const lower: string[] = [];
  for (let i = 0; i < subject.devices; i++) {
    const name = `lower${String(i)}`;
    let table = `0 ${String(sectors)} ${type.name} ${args(addDisks(rig, subject, { volatile: true }))}`;
    const missing = deviceSectors - sectors;
    if (missing > 0) {
      const spare = rig.addDisk({ sectors: missing, volatile: true });
      table += `\n${String(sectors)} ${String(missing)} span ${spare} 0`;
    }
    await rig.wait(rig.engine.create(name, { table }));
    lower.push(name);
  }
  await createTarget(rig, { ...subject, place: undefined }, lower);
}
