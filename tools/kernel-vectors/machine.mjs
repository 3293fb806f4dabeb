// @ts-check
/** Cases in a real kernel, many in one boot. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stampedSectors, WRITABLE } from '../../packages/conformance/dist/index.js';
import { runScriptsInVm } from '../kernel-vm/run.mjs';
import { KEEP, MODULES, PROGRAMS, scriptOf } from './guest.mjs';
import { seenSteps } from './seen.mjs';

/** Sectors of each of the disks a, b and c. */
export const DISKS = [1024, 1024, 1024];

/** Cases of one boot: a kernel that one of them ends takes no more than those with it. */
const BATCH = 100;

/** @typedef {{ name: string, steps: readonly string[] }} PlannedCase */
/** @typedef {import('../../packages/conformance/dist/index.js').VectorFile} VectorFile */

/**
 * @param {readonly PlannedCase[]} cases
 * @returns {Promise<VectorFile>}
 */
export async function record(cases) {
  const folder = mkdtempSync(join(tmpdir(), 'interposer-vectors-'));
  try {
    const disks = makeDisks(folder);
    /** @type {VectorFile[]} */
    const parts = [];
    for (let at = 0; at < cases.length; at += BATCH)
      parts.push(await recordBatch(cases.slice(at, at + BATCH), disks));
    const [first] = parts;
    if (first === undefined) throw new Error('no cases to record');
    return { ...first, cases: parts.flatMap((part) => part.cases) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {readonly PlannedCase[]} cases @param {readonly { path: string }[]} disks @returns {Promise<VectorFile>} */
async function recordBatch(cases, disks) {
  const scripts = [KEEP, ...cases.map(({ steps }) => scriptOf(steps))];
  const [kept, ...results] = await runScriptsInVm({ programs: PROGRAMS, modules: MODULES, disks, scripts });
  const [a = '', b = '', c = '', kernel = '', ...targets] = kept?.stdout.trim().split('\n') ?? [];
  const letters = new Map([
    [a, 'a'],
    [b, 'b'],
    [c, 'c'],
  ]);
  return {
    format: 2,
    kernel,
    targets: Object.fromEntries(targets.map((line) => line.split(/\s+v/))),
    cases: cases.map(({ name, steps }, index) => {
      const { stdout = '', stderr = '', status } = results[index] ?? {};
      if (status !== 0) throw new Error(`case ${name} ended with ${status}:\n${stdout}${stderr}`);
      return { name, disks: DISKS, steps: seenSteps(steps, stdout, letters) };
    }),
  };
}

/** @param {string} folder */
function makeDisks(folder) {
  const contents = [
    ...DISKS.map((sectors, index) => stampedSectors('abc'[index] ?? '', 0, sectors)),
    stampedSectors('W', 0, WRITABLE),
  ];
  return contents.map((bytes, index) => {
    const path = join(folder, `disk${index}.img`);
    writeFileSync(path, bytes);
    return { path };
  });
}
