import { BioOp, hasOp, MappedDevice } from '@interposer/core';
import { PortDisk } from './disk.ts';
import type { Rig } from './rig.ts';

/** What a case may need of its subject. Unmet needs are the only reason to skip a case. */
export type Need =
  | 'write'
  | 'flush'
  | 'discard'
  | 'write-zeroes'
  /** Without the operation: the negative of the above. */
  | 'no discard'
  | 'no write-zeroes'
  /** Reads return what was written. */
  | 'kept data'
  /** Disks of the kit lie below, to be held, failed and looked at. */
  | 'disks below'
  /** The subject is reached through a port, not a frontend. */
  | 'bios'
  /** The subject has a table, or stands below one: it can be suspended. */
  | 'mapped device'
  /** The plug says where each sector lies, and it lies right below. */
  | 'known places';

/** One thing to prove. */
export interface Case {
  /** Begins with its group: `data: ...`. Stable: mutants and users name cases by it. */
  readonly name: string;
  readonly needs?: readonly Need[];
  run(rig: Rig): Promise<void>;
}

/** The first need that the subject does not meet; undefined: the case runs. */
export function unmetNeed(needs: readonly Need[], rig: Rig): Need | undefined {
  return needs.find((need) => !meets(need, rig));
}

function meets(need: Need, rig: Rig): boolean {
  const { ops } = rig.disk;
  switch (need) {
    case 'write':
      return hasOp(ops, BioOp.Write);
    case 'flush':
      return hasOp(ops, BioOp.Flush);
    case 'discard':
      return hasOp(ops, BioOp.Discard);
    case 'write-zeroes':
      return hasOp(ops, BioOp.WriteZeroes);
    case 'no discard':
      return !hasOp(ops, BioOp.Discard);
    case 'no write-zeroes':
      return !hasOp(ops, BioOp.WriteZeroes);
    case 'kept data':
      return rig.content === 'kept';
    case 'disks below':
      return rig.disks.length > 0;
    case 'bios':
      return rig.disk instanceof PortDisk;
    case 'mapped device':
      return rig.port.device instanceof MappedDevice;
    case 'known places':
      return rig.knowsPlaces;
  }
}
