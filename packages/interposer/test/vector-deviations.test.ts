import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { deviatingRecordings, deviationsOf } from '../../conformance/test/kernel/deviations.ts';
import { scenarios } from '../../conformance/test/kernel/scenario.ts';

// The lists that the page has of older recordings. That each of them differs is seen where the recording is played.
const PACKAGES = join(import.meta.dirname, '../..');

/** Sources of all tests. */
const sources = readdirSync(PACKAGES).flatMap((name) => {
  const folder = join(PACKAGES, name, 'test');
  const files = readdirSync(join(PACKAGES, name)).includes('test') ? readdirSync(folder) : [];
  return files
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'));
});

it.each(deviatingRecordings())('%s is played by a test', (recording) => {
  expect(deviationsOf(recording).size).toBeGreaterThan(0);
  const files = ['io', 'limits', 'refused', 'log-writes', 'snapshot'];
  // Limits are played by file.
  const isInFile = files.some((file) => scenarios(file).some(({ name }) => name === recording));
  expect(isInFile || sources.some((source) => source.includes(`'${recording}'`))).toBe(true);
});
