import {
  asFilter,
  BioOp,
  defineTarget,
  fail,
  type FilterType,
  opSet,
  type TargetContext,
  type TargetType,
} from '@interposer/core';
import type { Emergency } from './damage.ts';
import { loadEvpDigests } from '@interposer/format-verity';
import { readTable } from './table-args.ts';
import { SignatureCheck, type SignatureTrust } from './signature.ts';
import { Verity } from './verity.ts';

/** What a program may set of its verity devices. */
export interface VerityOptions extends SignatureTrust {
  /**
   * Called once for a device where the kernel would restart the machine or make it panic: `restart_on_corruption` and its like.
   * Every read of the device fails from then on, whether this does anything or not.
   */
  readonly onEmergency?: (action: Emergency, reason: string) => void;
}

function defineVerity(options: VerityOptions, isFilter: boolean): TargetType {
  const emergency = options.onEmergency ?? nothing;
  const signatures = new SignatureCheck(options);
  return defineTarget({
    name: 'verity',
    version: [1, 10, 0],
    features: { singleton: true, immutable: true },
    ops: opSet(BioOp.Read, BioOp.Flush),
    countError: 'Not enough arguments',
    params: [
      {
        name: 'version',
        kind: 'uint',
        max: 1,
        error: 'Invalid version',
        about: '1: salt before the block; 0, that of Chrome OS: behind it, and digests packed',
      },
      {
        name: 'data_device',
        kind: 'device',
        mode: 'read',
        error: 'Data device lookup failed',
        about: 'the data, from its first sector on',
      },
      {
        name: 'hash_device',
        kind: 'device',
        mode: 'read',
        error: 'Hash device lookup failed',
        about: 'the tree of hashes; may be the same device',
      },
      {
        name: 'data_block_size',
        kind: 'uint',
        error: 'Invalid data device block size',
        about: 'bytes of a block of data: a power of two from 512 to 524288',
      },
      {
        name: 'hash_block_size',
        kind: 'uint',
        error: 'Invalid hash device block size',
        about: 'bytes of a block of hashes: a power of two from 512 to 524288',
      },
      {
        name: 'data_blocks',
        kind: 'uint',
        error: 'Invalid data blocks',
        about: 'how many blocks of data were hashed',
      },
      {
        name: 'hash_start',
        kind: 'uint',
        error: 'Invalid hash start',
        about: 'first block of the tree on its device, in hash blocks: behind a superblock',
      },
      { name: 'algorithm', kind: 'word', about: 'the hash function, e.g. `sha256`' },
      { name: 'digest', kind: 'word', about: 'the root hash, in hexadecimal' },
      { name: 'salt', kind: 'word', about: 'in hexadecimal, or `-` for none' },
      { name: 'options', kind: 'rest', about: 'how many words follow, and those' },
    ],
    create: async (context: TargetContext, args) => {
      if (!context.readOnly && !isFilter)
        throw fail('EINVAL', 'Device must be readonly (the table must be loaded with --readonly)');
      await loadEvpDigests();
      const { begin, sectors, log, event, open } = context;
      const table = await readTable(context, args, open, signatures);
      return new Verity({ begin, sectors, log, event, emergency, isFilter }, table);
    },
  });
}

function nothing(): void {
  // Nobody asked to be told.
}

/** The target, as a program wants it. */
export function verityTarget(options: VerityOptions = {}): TargetType {
  return defineVerity(options, false);
}

/** The filter, as a program wants it. */
export function verityFilterType(options: VerityOptions = {}): FilterType {
  return asFilter(defineVerity(options, true), { altitude: '230000', device: 'data_device' });
}

/** Data that is checked against a tree of hashes whenever it is read. */
export const verity: TargetType = verityTarget();

/** The same on a live device, which is read-only while it is attached. */
export const verityFilter: FilterType = verityFilterType();
