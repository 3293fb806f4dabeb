import { BioOp, defineTarget, opSet, type TargetContext, type TargetType } from '@interposer/core';
import { openPorts } from './open-ports.ts';
import type { SnapshotWords } from './snapshot-args.ts';
import type { SnapshotBase } from './snapshot-base.ts';
import type { SnapshotPorts } from './store.ts';

/** A target type over an origin and a store; sectors are those of the origin, wherever the row begins. */
export function snapshotType(
  name: string,
  version: readonly [number, number, number],
  merges: boolean,
  make: (context: TargetContext, words: SnapshotWords, ports: SnapshotPorts) => SnapshotBase,
): TargetType {
  return defineTarget({
    name,
    version,
    ops: opSet(BioOp.Read, BioOp.Write, BioOp.Flush, BioOp.Discard),
    params: [
      { name: 'origin', kind: 'word', about: 'the device that it is a snapshot of' },
      { name: 'cow', kind: 'word', about: 'the device where the store is' },
      {
        name: 'store',
        kind: 'word',
        about: '`P` persistent, `PO` the same and readable when it is full, `N` gone with the table',
      },
      {
        name: 'chunk',
        kind: 'word',
        about: 'sectors that are copied together, a power of 2; 0 is what the store says, or 32',
      },
      {
        name: 'features',
        kind: 'rest',
        about: 'how many follow, and `discard_zeroes_cow`, `discard_passdown_origin`',
      },
    ],
    countError: 'requires 4 or more arguments',
    create: async (context, words) => make(context, words, await openPorts(context, words, merges)).open(),
  });
}
