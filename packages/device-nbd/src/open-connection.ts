import { type Clock, fail, isInterposerError } from '@interposer/core';
import { encodeOption, NbdOption, TransmissionFlag } from '@interposer/nbd-protocol';
import { Connection } from './connection.ts';
import { shakeHands } from './handshake.ts';
import type { ClientSettings } from './settings.ts';
import { Wire } from './wire.ts';

/** How to open connections. */
export interface OpenOptions {
  readonly settings: ClientSettings;
  readonly clock: Clock;
  /** Milliseconds from the connecting to the end of the handshake. */
  readonly timeout: number;
  /** Nobody waits for them any more. */
  readonly signal?: AbortSignal;
  readonly log: (message: string) => void;
}

/** Errors of a server that is there and keeps to the protocol. */
const REFUSALS = new Set(['ENOENT', 'EACCES', 'EINVAL', 'ENOTSUP', 'ESHUTDOWN']);

/**
 * Opens the connections to an export, as many as wanted where the server can keep several in step. Rejects as
 * `openConnection` does if there is not even one.
 */
export async function openConnections(options: OpenOptions): Promise<Connection[]> {
  const { settings, log } = options;
  const first = await openConnection(options);
  const more = settings.connections - 1;
  if (more === 0) return [first];
  if ((first.remote.flags & TransmissionFlag.CanMultiConn) === 0) {
    log('the server does not keep several connections in step: there is one');
    return [first];
  }
  const others = await Promise.allSettled(Array.from({ length: more }, () => openConnection(options)));
  const opened = others.filter((other) => other.status === 'fulfilled').map((other) => other.value);
  if (opened.length < more) log(`only ${1 + opened.length} of ${1 + more} connections can be had`);
  return [first, ...opened];
}

/**
 * Connects and chooses the export. Rejects with ENOENT where there is no such socket or export, EIO where nobody answers or
 * the answer is not NBD, ETIMEDOUT after the timeout, and what the server says.
 */
async function openConnection({ settings, clock, timeout, signal }: OpenOptions): Promise<Connection> {
  const { uri, tls } = settings;
  const wire = new Wire(uri, tls !== undefined);
  const timer = clock.after(timeout, () => {
    wire.reader.fail(fail('ETIMEDOUT', 'the server did not answer in time'));
    wire.destroy();
  });
  const giveUp = (): void => wire.destroy();
  signal?.addEventListener('abort', giveUp);
  try {
    const secure = tls && ((): Promise<void> => wire.secure(tls));
    const peer = { reader: wire.reader, send: (bytes: Buffer): void => wire.send(bytes) };
    return new Connection(wire, await shakeHands(peer, uri.exportName, secure));
  } catch (error) {
    // A server that was polite is told that nothing comes of it.
    if (isInterposerError(error) && REFUSALS.has(error.code)) wire.end(encodeOption(NbdOption.Abort));
    else wire.destroy();
    throw error;
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', giveUp);
  }
}
