// @ts-check
/** Lets the guest reach a UNIX socket of the host: every TCP connection to a port becomes one to the socket. */

import { connect, createServer } from 'node:net';

/** The guest's name for the host's own 127.0.0.1 (QEMU's user network). */
export const HOST_ADDRESS = '10.0.2.2';

/**
 * Listens on a free port of 127.0.0.1, which while it lasts is open to everybody on the host.
 * QEMU could connect the guest to a program instead (guestfwd), but it leaves Nagle's algorithm on there, which makes
 * the last segment of many a write wait for 40 ms.
 *
 * @param {string} socket path
 * @returns {Promise<{ port: number, close: () => void }>} `close` cuts what is still connected
 */
export async function startRelay(socket) {
  /** @type {Set<import('node:net').Socket>} */
  const open = new Set();
  /** @param {import('node:net').Socket} side @param {import('node:net').Socket} other */
  const join = (side, other) => {
    open.add(side);
    side.on('error', () => other.destroy());
    side.on('close', () => open.delete(side));
    side.pipe(other);
  };
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (guest) => {
    const host = connect({ path: socket, allowHalfOpen: true });
    join(guest, host);
    join(host, guest);
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(undefined));
  });
  const close = () => {
    server.close();
    for (const side of open) side.destroy();
  };
  return { port: /** @type {import('node:net').AddressInfo} */ (server.address()).port, close };
}
