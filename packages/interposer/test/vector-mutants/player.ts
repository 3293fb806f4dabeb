/** What a bundle with a fault needs: the player, and the types that vectors were recorded of. */
import type { PluginType } from '@interposer/core';
import { delay } from '@interposer/target-delay';
import { error } from '@interposer/target-error';
import { flakey } from '@interposer/target-flakey';
import { linear } from '@interposer/target-linear';
import { mirror } from '@interposer/target-mirror';
import { snapshot, snapshotMerge, snapshotOrigin } from '@interposer/target-snapshot';
import { striped } from '@interposer/target-striped';
import { zero } from '@interposer/target-zero';

export { playVector } from '@interposer/conformance';
export const types: readonly PluginType[] = [
  delay,
  error,
  flakey,
  linear,
  mirror,
  snapshot,
  snapshotMerge,
  snapshotOrigin,
  striped,
  zero,
];
