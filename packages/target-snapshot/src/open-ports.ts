import { asError, fail, isInterposerError, type Port, type TargetContext } from '@interposer/core';
import type { SnapshotWords } from './snapshot-args.ts';
import type { SnapshotPorts } from './store.ts';

type Mode = Port['mode'];

/** Codes of a device that is there, but not for writing. */
const READ_ONLY = ['EROFS', 'EACCES', 'EPERM'];

/**
 * Opens the devices of a line. The origin of a snapshot may be read-only. It is opened for writing where that can be, for
 * others may come and write to it; and so is the store, also of a read-only table, for the origin may change.
 */
export async function openPorts(
  context: Pick<TargetContext, 'open' | 'readOnly'>,
  { origin, cow }: SnapshotWords,
  merges: boolean,
): Promise<SnapshotPorts> {
  return {
    origin: await openOne(context, origin, merges, 'Cannot get origin device'),
    cow: await openOne(context, cow, !context.readOnly, 'Cannot get COW device'),
  };
}

async function openOne(
  { open }: Pick<TargetContext, 'open'>,
  spec: string,
  mustWrite: boolean,
  error: string,
): Promise<Port> {
  const attempt = (mode: Mode): Promise<Port> => open(spec, 'exclusive', mode);
  try {
    return await attempt('write').catch((reason: unknown) => {
      if (mustWrite || !isInterposerError(reason) || !READ_ONLY.includes(reason.code)) throw reason;
      return attempt('read');
    });
  } catch (reason) {
    const code = isInterposerError(reason) ? reason.code : 'EIO';
    throw fail(code, `${error}: ${asError(reason).message}`, reason);
  }
}
