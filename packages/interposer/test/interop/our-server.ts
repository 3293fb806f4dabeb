import { statSync } from 'node:fs';
import process from 'node:process';
import type { Running } from '../../../cli/test/program.ts';
import { pskFile, x509Folder } from '../../../../tools/tls/index.ts';
import type { World } from '../world.ts';
import type { Place, Security, Setting } from './places.ts';

/** A server that runs, and where. */
export interface Served {
  readonly place: Place;
  /** Ends it as a user does. */
  readonly stop: () => Promise<unknown>;
}

const SECURITY: Readonly<Record<Security, readonly string[]>> = {
  plain: [],
  'TLS X.509': ['--tls', 'require', '--tls-certificates', x509Folder, '--tls-verify-peer'],
  'TLS PSK': ['--tls', 'require', '--tls-psk', pskFile],
};

/** Starts `interposer serve` as a user does, over a table with an image, and waits for the URI that it prints. */
export async function startOurs(world: World, image: string, setting: Setting): Promise<Served> {
  const { transport, security } = setting;
  const table = `0 ${String(statSync(image).size / 512)} linear ${image} 0`;
  const path = `${image}.sock`;
  const running = world.start([
    ...['serve', '--table', table, '--export-name', 'disk'],
    ...(transport === 'UNIX' ? ['--unix', path] : ['--port', '0']),
    ...SECURITY[security],
  ]);
  const uri = new URL(await running.firstLine());
  const where = transport === 'UNIX' ? { path } : { port: Number(uri.port) };
  return { place: { ...setting, ...where, exportName: 'disk' }, stop: () => stop(running) };
}

async function stop(running: Running): Promise<void> {
  process.kill(running.child.pid!, 'SIGTERM');
  const { code, stderr } = await running.ended;
  if (code !== 0 || stderr !== '') throw new Error(`serve ended with ${String(code)}: ${stderr}`);
}
