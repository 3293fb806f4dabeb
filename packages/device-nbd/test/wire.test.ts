import { parseNbdUri } from '@interposer/nbd-protocol';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Wire } from '../src/wire.ts';
import { cleanups, cleanUp } from './opened.ts';

afterEach(cleanUp);

describe.runIf(process.platform === 'linux')('a connection by TCP', () => {
  it.each([false, true])('finds out about a server that vanished (TLS: %s)', async (secured) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => server.close());
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const { port } = server.address() as AddressInfo;
    const wire = new Wire(parseNbdUri(`nbd://127.0.0.1:${port}/`), secured);
    cleanups.push(() => wire.destroy());
    const peer = await accepted;
    cleanups.push(() => peer.destroy());
    peer.write('!');
    await wire.reader.read(1);
    // Linux: Documentation/networking/proc_net_tcp.rst. The timer 02 is that of keepalive.
    const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    const lines = readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , address = '']) => address.endsWith(remote));
    expect(lines.map(([, , , , , timer]) => timer!.slice(0, 2))).toEqual(['02']);
  });
});
