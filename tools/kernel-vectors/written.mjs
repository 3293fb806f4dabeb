// @ts-check
/** Cases that somebody wrote: cases/*.yaml, each a map of names to lists of steps. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** The group of all of them. */
export const WRITTEN = 'written';

const FOLDER = fileURLToPath(new URL('cases/', import.meta.url));

/** @returns {{ name: string, steps: string[] }[]} */
export function writtenCases() {
  return readdirSync(FOLDER)
    .sort()
    .flatMap((file) =>
      Object.entries(
        /** @type {Record<string, string[]>} */ (parse(readFileSync(FOLDER + file, 'utf8'))),
      ).map(([name, steps]) => ({ name: `${file.replace('.yaml', '')}-${name}`, steps })),
    );
}
