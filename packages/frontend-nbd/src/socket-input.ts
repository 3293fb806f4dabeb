import { Socket } from 'node:net';

/** Where the bytes of a socket go. */
export interface InputSink {
  /** Where the next bytes should go. */
  window(): Buffer;
  /** So many bytes are in the window; false: stop reading until `resume`. */
  received(window: Buffer, bytes: number): boolean;
}

/** The parts of `net.Socket` that its documentation does not name. */
interface SocketWithHandle {
  _handle: unknown;
}

/**
 * A socket for the connection of an accepted one, which must be paused and is used up by it. The new one reads into buffers
 * that are provided: sockets that a `net.Server` makes cannot, they allocate 64 KiB for each read.
 */
export function takeOver(accepted: Socket, sink: InputSink): Socket {
  const source = accepted as unknown as SocketWithHandle;
  const options = {
    handle: source._handle,
    allowHalfOpen: true,
    onread: {
      buffer: () => sink.window(),
      callback: (bytes: number, window: Uint8Array) => sink.received(window as Buffer, bytes),
    },
  };
  source._handle = null;
  accepted.destroy();
  return new Socket(options);
}
