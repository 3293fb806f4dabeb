import { fail } from '@interposer/core';
import type { Origin, OriginMember } from './origin.ts';

/** Snapshots with one store: the one that has its exceptions, and the one that waits to take them over. */
export interface Sharers<Member> {
  readonly source: Member | undefined;
  readonly heir: Member | undefined;
  readonly count: number;
}

/** Who shares the store of a snapshot, itself included once it is a member. Kernel: __find_snapshots_sharing_cow. */
export function sharersOf(
  origin: Origin,
  { cowDevice }: Pick<OriginMember, 'cowDevice'>,
): Sharers<OriginMember> {
  const sharers = origin.members.filter((member) => member.cowDevice === cowDevice);
  return {
    source: sharers.findLast(({ active }) => active),
    heir: sharers.findLast(({ active }) => !active),
    count: sharers.length,
  };
}

/**
 * The member that a new one would take the exceptions over from; undefined where it opens the store itself. EINVAL with the
 * kernel's texts where neither may be. Kernel: __validate_exception_handover.
 */
export function sourceFor(origin: Origin, member: OriginMember): OriginMember | undefined {
  const { source, heir, count } = sharersOf(origin, member);
  if (count === 2 || heir !== undefined)
    throw fail('EINVAL', 'Snapshot cow pairing for exception table handover failed');
  if (source === undefined || !member.merges) return source;
  if (origin.members.some(({ merges }) => merges)) throw fail('EINVAL', 'A snapshot is already merging.');
  if (source.exceptions?.store.prepareMerge === undefined)
    throw fail('EINVAL', 'Snapshot exception store does not support snapshot-merge.');
  return source;
}

/** EINVAL where a snapshot cannot go on, or come into use, before its exceptions change hands. Kernel: snapshot_preresume. */
export function checkHandover(origin: Origin, member: OriginMember): void {
  const { source, heir } = sharersOf(origin, member);
  if (source === undefined || heir === undefined) return;
  // The one table of a device that stays when its next one could not be.
  if (member === source && source.mapped === heir.mapped) return;
  if (member === source) throw fail('EINVAL', 'Unable to resume snapshot source until handover completes.');
  if (!source.suspended)
    throw fail('EINVAL', 'Unable to perform snapshot handover until source is suspended.');
}
