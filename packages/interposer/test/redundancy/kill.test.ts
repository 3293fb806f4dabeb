import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Random } from '@interposer/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../../../cli/test/program.ts';
import { Killer } from './kills.ts';
import { MirrorHistory } from './mirror-history.ts';
import { SnapshotHistory } from './snapshot-history.ts';

// A program is killed at any instant while it writes, opens, resyncs or merges, and the images are looked at; then the next one
// goes on from there. INTERPOSER_KILLS: how many are killed in all.
const KILLS = Number(process.env.INTERPOSER_KILLS ?? '9');
const SEED = Number(process.env.INTERPOSER_SEED ?? Date.now() % 2 ** 31);

interface History {
  readonly isOver: boolean;
  round(): Promise<void>;
}

const SCENARIOS: readonly (readonly [
  name: string,
  make: (folder: string, random: Random, killer: Killer) => History,
])[] = [
  ['persistent snapshots', (...where) => new SnapshotHistory(...where, false)],
  ['a merge', (...where) => new SnapshotHistory(...where, true)],
  ['a mirror with its log on disk', (...where) => new MirrorHistory(...where)],
];
const EACH = Math.ceil(KILLS / SCENARIOS.length);

let folder = '';
let script = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'interposer-'));
  script = await buildProgram(join(folder, 'program'), new URL('victim.ts', import.meta.url));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('a program that is killed', () => {
  it.each(SCENARIOS)(
    `${String(EACH)} times over %s leaves what it must, seed ${String(SEED)}`,
    async (_, make) => {
      const killer = new Killer(script);
      const random = new Random(SEED);
      try {
        let history = make(folder, random, killer);
        for (let kill = 0; kill < EACH; kill++) {
          if (history.isOver) history = make(folder, random, killer);
          await history.round().catch((error: unknown) => {
            expect.fail(`kill ${String(kill)}: ${String(error)}`);
          });
        }
      } finally {
        await killer.end();
      }
    },
    60_000 + EACH * 5_000,
  );
});
