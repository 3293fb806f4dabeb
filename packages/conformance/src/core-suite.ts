import { containmentCases } from './cases/contract-containment.ts';
import { editCases } from './cases/contract-edits.ts';
import { ruleCases } from './cases/contract-rules.ts';
import type { TestRunner } from './runner.ts';
import { runSuite } from './suite.ts';

const SECTORS = 1024;

/** Registers the cases for the contract of the core itself, each named with its point. */
export function coreSuite(runner: TestRunner): void {
  runSuite(runner, {
    subject: 'core',
    variants: [
      {
        name: 'contract',
        cases: [...editCases, ...ruleCases, ...containmentCases],
        build: (rig) => rig.open(rig.addDisk({ sectors: SECTORS }), 'kept'),
      },
    ],
    rig: { types: [], realTime: null },
  });
}
