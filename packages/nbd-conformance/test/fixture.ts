import { createEngine, type Port } from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { NbdServer, type NbdServerOptions } from '@interposer/frontend-nbd';
import { join } from 'node:path';
import { later, temporaryFolder } from '../../../tools/temporary.ts';

/** Our own server with a writable export `disk` and a read-only one `fixed`, which is full of a pattern. */
export interface Ours {
  readonly path: string;
  readonly server: NbdServer;
  readonly disk: Port;
  uri(name: string): string;
}

export async function ours(options: NbdServerOptions = {}): Promise<Ours> {
  const engine = createEngine({ types: [ram] });
  const disk = await engine.open('ram:4M');
  const fixed = await engine.open('ram:1M');
  await fixed.write(0, pattern(2 ** 19));
  const server = new NbdServer(options);
  server.addExport({ name: 'disk', port: disk, description: 'a disk' });
  server.addExport({ name: 'fixed', port: fixed, readOnly: true });
  const path = join(await temporaryFolder(), 'nbd.sock');
  await server.listen({ path });
  later(async () => {
    await server.close();
    disk.close();
    fixed.close();
    await engine.close();
  });
  return { path, server, disk, uri: (name) => uriOf(path, name) };
}

export function uriOf(path: string, name = ''): string {
  return `nbd+unix:///${name}?socket=${path}`;
}

/** Bytes that differ from place to place. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 17) & 0xff;
  return bytes;
}
