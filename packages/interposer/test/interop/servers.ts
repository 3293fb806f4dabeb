import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { pskFile, x509Folder } from '../../../../tools/tls/index.ts';
import type { World } from '../world.ts';
import { Background, succeed } from './commands.ts';
import { type Served, startOurs } from './our-server.ts';
import { answers, freePort, HOST, type Place, type Security, type Setting } from './places.ts';

/** A row of the matrix: a server that our client uses. */
export interface Server {
  readonly name: string;
  readonly programs: readonly string[];
  /** Whether the program can do this at all; it can if this is absent. */
  readonly can?: (setting: Setting) => boolean;
  /** It tells which blocks are allocated. */
  readonly extents: boolean;
  /** Serves an image, with TLS and nothing else where that is asked for. */
  readonly start: (world: World, image: string, setting: Setting) => Promise<Served>;
}

async function placeFor(image: string, setting: Setting): Promise<Place> {
  const where = setting.transport === 'UNIX' ? { path: `${image}.sock` } : { port: await freePort() };
  return { ...setting, ...where, exportName: 'disk' };
}

async function startBackground(place: Place, program: string, ...words: string[]): Promise<Served> {
  const running = new Background(program, ...words);
  await running.until(() => answers(place));
  return { place, stop: () => running.stop() };
}

const NBDKIT_SECURITY: Readonly<Record<Security, readonly string[]>> = {
  plain: ['--tls=off'],
  'TLS X.509': ['--tls=require', `--tls-certificates=${x509Folder}`, '--tls-verify-peer'],
  'TLS PSK': ['--tls=require', `--tls-psk=${pskFile}`],
};

async function startNbdkit(_world: World, image: string, setting: Setting): Promise<Served> {
  const place = await placeFor(image, setting);
  const where = place.path === undefined ? ['-i', HOST, '-p', String(place.port)] : ['-U', place.path];
  const words = [...where, ...NBDKIT_SECURITY[setting.security], 'file', image];
  return startBackground(place, 'nbdkit', '-f', ...words);
}

const QEMU_SECURITY: Readonly<Record<Security, readonly string[]>> = {
  plain: [],
  'TLS X.509': [
    ...['--object', `tls-creds-x509,id=t,endpoint=server,verify-peer=on,dir=${x509Folder}`],
    ...['--tls-creds', 't'],
  ],
  'TLS PSK': [
    ...['--object', `tls-creds-psk,id=t,endpoint=server,dir=${dirname(pskFile)}`],
    ...['--tls-creds', 't'],
  ],
};

async function startQemu(_world: World, image: string, setting: Setting): Promise<Served> {
  const place = await placeFor(image, setting);
  const where = place.path === undefined ? ['-b', HOST, '-p', String(place.port)] : ['-k', place.path];
  const words = ['-t', '-e', '8', '-x', 'disk', '-f', 'raw', '--discard=unmap', image];
  return startBackground(place, 'qemu-nbd', ...where, ...QEMU_SECURITY[setting.security], ...words);
}

const NBD_SERVER_SECURITY: readonly string[] = [
  `certfile = ${x509Folder}/server-cert.pem`,
  `keyfile = ${x509Folder}/server-key.pem`,
  `cacertfile = ${x509Folder}/ca-cert.pem`,
  'force_tls = true',
];

/** It serves one client only in the foreground, so it goes into the background by itself. */
async function startNbdServer(_world: World, image: string, setting: Setting): Promise<Served> {
  const place = await placeFor(image, setting);
  const [config, pid] = [`${image}.conf`, `${image}.pid`];
  const lines = [
    '[generic]',
    ...(place.path === undefined
      ? [`listenaddr = ${HOST}`, `port = ${String(place.port)}`]
      : [`unixsock = ${place.path}`]),
    ...(setting.security === 'plain' ? [] : NBD_SERVER_SECURITY),
    ...['[disk]', `exportname = ${image}`, 'flush = true', 'fua = true', 'trim = true'],
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  await succeed('nbd-server', '-C', config, '-p', pid);
  while (!(await answers(place))) await new Promise((resolve) => setTimeout(resolve, 5));
  return { place, stop: () => stopDaemon(place, pid) };
}

async function stopDaemon(place: Place, pidFile: string): Promise<void> {
  process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM');
  while (await answers(place)) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Every server that our client is tried on. */
export const SERVERS: readonly Server[] = [
  { name: 'nbdkit', programs: ['nbdkit'], extents: true, start: startNbdkit },
  { name: 'qemu-nbd', programs: ['qemu-nbd'], extents: true, start: startQemu },
  {
    name: 'nbd-server',
    programs: ['nbd-server'],
    // The program has no pre-shared keys.
    can: ({ security }) => security !== 'TLS PSK',
    extents: false,
    start: startNbdServer,
  },
  { name: 'our own server', programs: [], extents: true, start: startOurs },
];
