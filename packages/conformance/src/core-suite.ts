import type { Case } from './cases.ts';
import { acquireCases } from './cases/contract-acquire.ts';
import { arrivalCases } from './cases/contract-arrival.ts';
import { closedCases } from './cases/contract-closed.ts';
import { completionContractCases } from './cases/contract-completion.ts';
import { editCases } from './cases/contract-edits.ts';
import { faultCases } from './cases/contract-faults.ts';
import { orderCases } from './cases/contract-order.ts';
import { pathCases } from './cases/contract-path.ts';
import { ruleCases } from './cases/contract-rules.ts';
import { stackingCases } from './cases/contract-stacking.ts';
import { verbCases } from './cases/contract-verbs.ts';
import type { Rig } from './rig.ts';
import type { TestRunner } from './runner.ts';
import { runSuite } from './suite.ts';

const SECTORS = 1024;

/** What holds for each device, whatever it is. */
const everywhere: readonly Case[] = [
  ...editCases,
  ...acquireCases,
  ...pathCases,
  ...completionContractCases,
  ...orderCases,
  ...ruleCases,
  ...stackingCases,
  ...closedCases,
  ...faultCases,
  ...verbCases,
];

/** Registers the cases for the contract of the core itself, each named with its point. */
export function coreSuite(runner: TestRunner): void {
  runSuite(runner, {
    subject: 'core',
    variants: [
      { name: 'a disk', cases: [...everywhere, ...arrivalCases], build: buildDisk },
      { name: 'a mapped device', cases: everywhere, build: buildMapped },
      { name: 'a disk under a remap to a table over itself', cases: everywhere, build: buildRemapped },
    ],
    rig: { types: [], realTime: null },
  });
}

function buildDisk(rig: Rig): Promise<void> {
  return rig.open(rig.addDisk({ sectors: SECTORS }), 'kept');
}

async function buildMapped(rig: Rig): Promise<void> {
  const table = `0 ${String(SECTORS)} span ${rig.addDisk({ sectors: SECTORS })} 0`;
  await rig.wait(rig.engine.create('mapped', { table }));
  await rig.open('mapped', 'kept');
}

async function buildRemapped(rig: Rig): Promise<void> {
  await buildDisk(rig);
  const table = `0 ${String(SECTORS)} span ${rig.device} 0 noexcl`;
  await rig.wait(rig.engine.create('standin', { table }));
  await rig.wait(rig.engine.startRemap('standin', rig.device));
}
