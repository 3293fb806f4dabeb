// A program for systemd to start: an export for each socket it was given, of the socket's name.
import { createEngine } from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { inheritedSockets, NbdServer } from '../src/index.ts';

const engine = createEngine({ types: [ram] });
const port = await engine.open('ram:1M');
const server = new NbdServer();
const sockets = inheritedSockets();
for (const { name } of sockets) {
  server.addExport({ name, port, description: `LISTEN_FDS=${process.env.LISTEN_FDS ?? ''}` });
}
for (const { fd } of sockets) await server.listen({ fd });
process.on('SIGTERM', () => void server.close().then(() => process.exit(0)));
