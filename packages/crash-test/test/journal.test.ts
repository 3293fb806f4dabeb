import { type FileHandle, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Journal } from '../src/journal.ts';

const HEADER = { log: 'l', base: 'b', unit: 512, check: 'c' };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crash-test-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

/** The file system has room for a part of the next line only. */
async function runOut(): Promise<void> {
  const file = await open(join(folder, 'other'), 'w');
  const prototype = Object.getPrototypeOf(file) as FileHandle;
  await file.close();
  vi.spyOn(prototype, 'appendFile').mockImplementationOnce(async function (this: FileHandle, line) {
    await this.write(String(line).slice(0, 9));
    throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
  });
}

describe('a journal', () => {
  it('can be read again when a line did not get into the file whole', async () => {
    const journal = await Journal.open(folder, HEADER);
    await journal.record('aa', 1, { ok: true });
    await runOut();
    // Checks that run side by side end side by side.
    const records = ['bb', 'cc'].map((hash) => journal.record(hash, 1, { ok: true }));
    const results = await Promise.allSettled(records);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await journal.close();
    expect(await readFile(join(folder, 'verdicts.jsonl'), 'utf8')).toMatch(/"aa".*\n\{"state":$/);
    const again = await Journal.open(folder, HEADER);
    expect([again.verdict('aa', 1), again.verdict('bb', 1)]).toEqual([{ ok: true }, undefined]);
    await again.record('bb', 1, { ok: true });
    await again.close();
  });
});
