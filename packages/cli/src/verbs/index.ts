import type { Verb } from '../verb.ts';
import { apply } from './apply.ts';
import { attach, attachLs, detach } from './attach.ts';
import { discard, flush, zero } from './blocks.ts';
import { completion } from './completion.ts';
import { crashTest, crashTestReplay } from './crash-test.ts';
import { create } from './create.ts';
import { daemon, shutdown } from './daemon.ts';
import { dd } from './dd.ts';
import { deps, ls } from './deps-ls.ts';
import { deviceLs, deviceYank } from './device.ts';
import { explain } from './explain.ts';
import { exportAdd, exportLs, exportRm } from './export.ts';
import { filterRuleAdd, filterRuleLs, filterRuleRm } from './filter-rule.ts';
import { filterStatus } from './filter-status.ts';
import { filterAttach, filterDetach, filterLs, filterMessage, filterSwap } from './filter.ts';
import { info } from './info.ts';
import { powerCut, powerOn } from './power.ts';
import { remapFinish, remapLs, remapStart } from './remap.ts';
import { remove, removeAll } from './remove.ts';
import { luksFormat } from './luks-format.ts';
import { luksHeaderBackup, luksHeaderRestore, luksRepair } from './luks-header.ts';
import { luksAddKey, luksChangeKey, luksRemoveKey } from './luks-keys.ts';
import { luksClose, luksDump, luksOpen } from './luks.ts';
import { keyAdd, keyLs, keyRemove } from './key.ts';
import { message, rename, wait } from './rename-message-wait.ts';
import { serve } from './serve.ts';
import { clear, load, resume, suspend, wipeTable } from './slots.ts';
import {
  snapshotCreate,
  snapshotExport,
  snapshotLs,
  snapshotMerge,
  snapshotOpen,
  snapshotRemove,
} from './snapshot.ts';
import { down, up } from './stack.ts';
import { status, table } from './table-status.ts';
import { targets, targetVersion, version } from './targets.ts';
import { traceShow } from './trace-show.ts';
import { verityDump, verityFormat, verityVerify } from './verity.ts';

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
  filterSwap,
  filterLs,
  filterStatus,
  filterMessage,
  filterRuleAdd,
  filterRuleRm,
  filterRuleLs,
  remapStart,
  remapFinish,
  remapLs,
  keyAdd,
  keyLs,
  keyRemove,
  snapshotCreate,
  snapshotLs,
  snapshotOpen,
  snapshotExport,
  snapshotMerge,
  snapshotRemove,
  apply,
  up,
  down,
  exportAdd,
  exportRm,
  exportLs,
  attach,
  attachLs,
  detach,
  deviceLs,
  deviceYank,
  powerCut,
  powerOn,
  crashTest,
  crashTestReplay,
  luksOpen,
  luksClose,
  luksDump,
  luksFormat,
  luksAddKey,
  luksChangeKey,
  luksRemoveKey,
  luksHeaderBackup,
  luksHeaderRestore,
  luksRepair,
  verityFormat,
  verityVerify,
  verityDump,
  explain,
  traceShow,
  dd,
  flush,
  discard,
  zero,
  daemon,
  shutdown,
  completion,
];

/** No verb has more words. */
const MOST_WORDS = 3;

/** The verb that the first words name, and the operands behind it. */
export function findVerb(
  words: readonly string[],
): { readonly verb: Verb; readonly operands: readonly string[] } | undefined {
  for (let length = MOST_WORDS; length > 0; length--) {
    const name = words.slice(0, length).join(' ');
    const verb = VERBS.find((one) => one.name === name || one.aliases?.includes(name) === true);
    if (verb !== undefined) return { verb, operands: words.slice(length) };
  }
  return undefined;
}
