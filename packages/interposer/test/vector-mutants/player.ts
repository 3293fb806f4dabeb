/** What a bundle with a fault needs: the player, and the types that vectors were recorded of. */
import type { PluginType } from '@interposer/core';
import { crypt } from '@interposer/target-crypt';
import { delay } from '@interposer/target-delay';
import { dust } from '@interposer/target-dust';
import { error } from '@interposer/target-error';
import { flakey } from '@interposer/target-flakey';
import { linear } from '@interposer/target-linear';
import { logWrites } from '@interposer/target-log-writes';
import { mirror } from '@interposer/target-mirror';
import { snapshot, snapshotMerge, snapshotOrigin } from '@interposer/target-snapshot';
import { striped } from '@interposer/target-striped';
import { verity } from '@interposer/target-verity';
import { zero } from '@interposer/target-zero';

export { playVector } from '@interposer/conformance';
export const types: readonly PluginType[] = [
  crypt,
  delay,
  dust,
  error,
  flakey,
  linear,
  logWrites,
  mirror,
  snapshot,
  snapshotMerge,
  snapshotOrigin,
  striped,
  verity,
  zero,
];
