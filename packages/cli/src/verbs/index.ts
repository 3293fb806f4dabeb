import type { Verb } from '../verb.ts';
import { discard, flush, zero } from './blocks.ts';
import { completion } from './completion.ts';
import { create } from './create.ts';
import { daemon, shutdown } from './daemon.ts';
import { dd } from './dd.ts';
import { deps, ls } from './deps-ls.ts';
import { explain } from './explain.ts';
import { exportAdd, exportLs, exportRm } from './export.ts';
import { filterAttach, filterDetach, filterLs, filterMessage } from './filter.ts';
import { info } from './info.ts';
import { remove, removeAll } from './remove.ts';
import { message, rename, wait } from './rename-message-wait.ts';
import { serve } from './serve.ts';
import { clear, load, resume, suspend, wipeTable } from './slots.ts';
import { status, table } from './table-status.ts';
import { targets, targetVersion, version } from './targets.ts';

/** Every verb, in the order in which help shows them. */
export const VERBS: readonly Verb[] = [
  create,
  load,
  clear,
  suspend,
  resume,
  table,
  status,
  info,
  deps,
  ls,
  targets,
  targetVersion,
  remove,
  removeAll,
  wipeTable,
  rename,
  message,
  wait,
  version,
  serve,
  filterAttach,
  filterDetach,
  filterLs,
  filterMessage,
  exportAdd,
  exportRm,
  exportLs,
  explain,
  dd,
  flush,
  discard,
  zero,
  daemon,
  shutdown,
  completion,
];

/** The verb that the first words name, and the operands behind it. */
export function findVerb(
  words: readonly string[],
): { readonly verb: Verb; readonly operands: readonly string[] } | undefined {
  const [first = '', second = ''] = words;
  for (const verb of VERBS) {
    const names = [verb.name, ...(verb.aliases ?? [])];
    if (names.includes(`${first} ${second}`)) return { verb, operands: words.slice(2) };
    if (names.includes(first)) return { verb, operands: words.slice(1) };
  }
  return undefined;
}
