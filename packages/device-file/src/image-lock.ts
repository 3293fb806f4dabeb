import { byteLocks } from './byte-locks.ts';
import type { Ffi } from './ffi.ts';
import { announce, refuseRivals } from './presence.ts';

/** Keeps others from an image for as long as it is held. Ends with the process, however that ends. */
export interface ImageLock {
  release(): Promise<void>;
}

/** What is to be locked. */
export interface LockRequest {
  readonly fd: number;
  /** For messages. */
  readonly path: string;
  /** The same text for the same image, whatever name it was opened by. */
  readonly identity: string;
  /** Readers exclude writers only. */
  readonly readOnly: boolean;
  readonly ffi: Ffi | undefined;
  readonly log: (message: string) => void;
}

/**
 * Locks an image against other engines and programs: one writer, or any number of readers. EBUSY when it is taken.
 *
 * Two locks are held, and neither leaves anything behind when its holder is killed. A name in the abstract socket name
 * space needs nothing but Node; it excludes everybody who uses this package on this machine, tells who holds an image, and
 * works between an engine with koffi and one without. Locks on bytes of the file itself need koffi; they exclude qemu and
 * what else follows its scheme, and reach across containers.
 *
 * Each is announced first and looked at second: of two who come at the same time at most one succeeds, perhaps none.
 */
export async function lockImage(request: LockRequest): Promise<ImageLock> {
  const presence = await announce(request);
  try {
    await refuseRivals(request, presence);
    // Given up when the file is closed.
    if (request.ffi !== undefined) await byteLocks(request.ffi, request);
    return presence;
  } catch (error) {
    await presence.release();
    throw error;
  }
}
