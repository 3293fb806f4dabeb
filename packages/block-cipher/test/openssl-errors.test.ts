import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { later } from '../../../tools/temporary.ts';
import { openSectorCipher, parseCipherSpec } from '../src/index.ts';
import { ENGINES } from './engines.ts';

const PSK = Buffer.alloc(32, 7);

/** A connection that answers what it is sent, with a key that both sides know. */
async function connected(): Promise<TLSSocket> {
  const ciphers = 'PSK+AES128-GCM-SHA256:PSK';
  const server: Server = createServer(
    { ciphers, maxVersion: 'TLSv1.2', pskCallback: () => PSK },
    (socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const socket = connect({
    host: '127.0.0.1',
    port,
    ciphers,
    maxVersion: 'TLSv1.2',
    minVersion: 'TLSv1.2',
    checkServerIdentity: () => undefined,
    pskCallback: () => ({ psk: PSK, identity: 'me' }),
  });
  later(() => {
    socket.destroy();
    server.close();
  });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  return socket;
}

function echo(socket: TLSSocket, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (data: Buffer) => resolve(data.toString()));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('it was closed')));
    socket.write(text);
  });
}

describe.runIf(ENGINES.includes('evp'))('what OpenSSL refuses', () => {
  // Its errors wait in a queue of the thread, where a connection of TLS takes them for its own.
  it.each([
    ['a key of XTS whose halves are equal', new Uint8Array(64).fill(9)],
    ['a key of 192 bits for XTS', Uint8Array.from({ length: 48 }, (_, at) => at)],
  ])('does not harm connections of this process: %s', async (_what, key) => {
    const socket = await connected();
    expect(await echo(socket, 'before')).toBe('before');
    openSectorCipher(parseCipherSpec('aes-xts-plain64'), key).wipe();
    expect(await echo(socket, 'after')).toBe('after');
  });
});
