import { readFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startListening } from '../src/listen.ts';
import { later, temporaryFolder } from '../../../tools/temporary.ts';

/** Listens on a free port of this machine, or on a socket file, and shows the server of Node below. */
async function listening(
  unix: boolean,
): Promise<{ server: Server; port: number; accepted: Promise<Socket>; missed: string[] }> {
  const missed: string[] = [];
  let accept: (socket: Socket) => void = () => undefined;
  const accepted = new Promise<Socket>((resolve) => (accept = resolve));
  const place = unix ? { path: join(await temporaryFolder(), 'nbd.sock') } : { port: 0 };
  const { server, address } = await startListening(place, {
    accept: (socket) => accept(socket),
    missed: ({ message }) => missed.push(message),
  });
  later(() => server.close());
  return { server, port: 'port' in address ? address.port : 0, accepted, missed };
}

describe('a listening socket', () => {
  it.each([true, false])('outlives a client that cannot be accepted (UNIX: %s)', async (unix) => {
    const { server, missed } = await listening(unix);
    // What Node does when the system has no descriptor or no memory left for a connection.
    server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }));
    expect(missed).toEqual(['accept EMFILE']);
    expect(server.listening).toBe(true);
  });

  it.runIf(process.platform === 'linux')('finds out about clients that vanished', async () => {
    const { port, accepted } = await listening(false);
    const client = connect({ host: '127.0.0.1', port });
    later(() => client.destroy());
    const socket = await accepted;
    later(() => socket.destroy());
    // Linux: Documentation/networking/proc_net_tcp.rst. Established is 01; the timer 02 is that of keepalive.
    const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    const lines = readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, address = '', , state]) => address.endsWith(local) && state === '01');
    expect(lines.map(([, , , , , timer]) => timer!.slice(0, 2))).toEqual(['02']);
  });
});
