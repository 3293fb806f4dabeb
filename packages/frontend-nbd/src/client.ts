import type { TlsPeer } from '@interposer/nbd-tls';
import type { Socket } from 'node:net';
import { type Credentials, peerCredentials } from './peer-credentials.ts';

/** Who is at the other end of a connection, as far as the system and TLS know. */
export class Client {
  readonly #socket: Socket;
  /** It came through a UNIX socket. */
  readonly unix: boolean;
  /** The address it came from by TCP. */
  readonly address: string | null;
  /** Whom TLS has proved it to be; null: there is no TLS on this connection. */
  tls: TlsPeer | null = null;
  #credentials: Credentials | null | undefined;

  constructor(socket: Socket, unix: boolean) {
    this.#socket = socket;
    this.unix = unix;
    this.address = unix ? null : (socket.remoteAddress ?? null);
  }

  /** User and group of the process that connected a UNIX socket. */
  get credentials(): Credentials | null {
    return (this.#credentials ??= this.unix ? peerCredentials(this.#socket) : null);
  }
}

/** For a log: as whom a client is known by TLS. */
export function nameOf({ user, names }: TlsPeer): string {
  if (user !== null) return `, user ${user}`;
  return names.length === 0 ? '' : `, certificate of ${names.join(', ')}`;
}
