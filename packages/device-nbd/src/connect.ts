import { asError, type Clock, type Driver, fail, fromSystemError } from '@interposer/core';
import type { NbdUri } from '@interposer/nbd-protocol';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { ByteReader } from './byte-reader.ts';
import { type RemoteExport, shakeHands } from './handshake.ts';
import { limitsOf } from './remote-limits.ts';
import { RemoteDevice } from './remote.ts';

const RECEIVE_BYTES = 256 * 1024;

/** Milliseconds from the connecting to the end of the handshake. */
const OPEN_TIMEOUT = 30_000;

/** How to open a remote export. */
export interface ConnectOptions {
  readonly uri: NbdUri;
  readonly readOnly: boolean;
  readonly clock: Clock;
  /** Called once when the connection of the open device breaks. */
  readonly lost: (reason: string) => void;
}

/**
 * Connects and chooses the export. Rejects with ENOENT where there is no such socket or export, EIO where nobody answers or
 * the answer is not NBD, ETIMEDOUT after thirty seconds, and what the server says.
 */
export async function openRemote({ uri, readOnly, clock, lost }: ConnectOptions): Promise<Driver> {
  const wire = new Wire(uri);
  const timer = clock.after(OPEN_TIMEOUT, () => {
    wire.reader.fail(fail('ETIMEDOUT', 'the server did not answer in time'));
  });
  try {
    const { socket } = wire;
    const remote = await shakeHands(
      { reader: wire.reader, send: (bytes) => socket.write(bytes) },
      uri.exportName,
    );
    return wire.transmit(remote, { readOnly, clock, lost });
  } catch (error) {
    wire.socket.destroy();
    throw error;
  } finally {
    timer.cancel();
  }
}

/** A connection: its bytes go to the handshake first, and to the device after it. */
class Wire {
  readonly reader: ByteReader = new ByteReader();
  readonly socket: Socket;
  #device: RemoteDevice | null = null;
  #reason = 'the server closed the connection';

  constructor({ address }: NbdUri) {
    const receiveBuffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
    const place: NetConnectOpts =
      address.kind === 'unix'
        ? { path: address.path }
        : { host: address.host, port: address.port, noDelay: true };
    const onread = {
      buffer: () => this.#device?.window() ?? receiveBuffer,
      callback: (bytes: number, window: Uint8Array) => {
        if (this.#device === null) this.reader.push(receiveBuffer.subarray(0, bytes));
        else if (window === receiveBuffer) this.#device.receive(receiveBuffer, bytes);
        else this.#device.receivedInWindow(bytes);
        return true;
      },
    };
    this.socket = connect({ ...place, onread });
    this.socket.on('error', (error) => {
      this.#reason = error.message;
      this.reader.fail(fromSystemError(asError(error), 'cannot reach the server'));
    });
    this.socket.on('close', () => {
      this.reader.fail(fail('EIO', this.#reason));
      this.#device?.disconnected(this.#reason);
    });
  }

  transmit(remote: RemoteExport, options: Omit<ConnectOptions, 'uri'>): RemoteDevice {
    const { readOnly, clock, lost } = options;
    const limits = limitsOf(remote, readOnly);
    const device = new RemoteDevice({ socket: this.socket, limits, flags: remote.flags, clock, lost });
    const rest = this.reader.rest();
    this.#device = device;
    if (rest.length > 0) device.receive(rest, rest.length);
    if (this.socket.destroyed) device.disconnected(this.#reason);
    return device;
  }
}
