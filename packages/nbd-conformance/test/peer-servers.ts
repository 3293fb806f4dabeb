import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { later, temporaryFolder } from '../../../tools/temporary.ts';
import { uriOf } from './fixture.ts';

/** A server of somebody else, that can be started again where it died. */
export interface PeerServer {
  readonly uri: string;
  readonly revive: () => Promise<void>;
}

/** The servers that are compared, by the name of their program. */
export type PeerName = 'nbdkit' | 'qemu-nbd' | 'nbd-server';

export const peerNames: readonly PeerName[] = ['nbdkit', 'qemu-nbd', 'nbd-server'];

const SIZE = 16 * 2 ** 20;

/** More words for nbdkit. */
export interface PeerWords {
  readonly filters?: readonly string[];
  readonly parameters?: readonly string[];
}

/** Starts one with a sparse file of 16 MiB. */
export async function startPeer(
  name: PeerName,
  { filters = [], parameters = [] }: PeerWords = {},
): Promise<PeerServer> {
  const folder = await temporaryFolder();
  const [image, socket, configuration] = ['disk.img', 'nbd.sock', 'conf'].map((file) =>
    join(folder, file),
  ) as [string, string, string];
  await writeFile(image, '');
  await truncate(image, SIZE);
  await writeFile(configuration, configurationOf(image, socket));
  const words = {
    nbdkit: ['-f', '-U', socket, ...filters, 'file', image, ...parameters],
    'qemu-nbd': ['-f', 'raw', '-t', '-e', '64', '-x', '', '-k', socket, image],
    'nbd-server': ['-C', configuration, '-p', join(folder, 'pid')],
  }[name];
  let kill: () => unknown = () => undefined;
  const start = async (): Promise<void> => {
    await rm(socket, { force: true });
    kill = name === 'nbd-server' ? await daemon(name, words, join(folder, 'pid')) : child(name, words);
    await listening(socket);
  };
  later(() => kill());
  await start();
  return { uri: uriOf(socket, name === 'nbd-server' ? 'disk' : ''), revive: start };
}

/** Starts a program that stays; answers how to end it. */
function child(name: string, words: readonly string[]): () => unknown {
  const started = spawn(name, words, { stdio: 'ignore' });
  return async () => {
    if (started.exitCode !== null || started.signalCode !== null) return;
    started.kill();
    await once(started, 'exit');
  };
}

/** Starts a program that goes into the background. */
async function daemon(name: string, words: readonly string[], pidFile: string): Promise<() => unknown> {
  execFileSync(name, words, { stdio: 'ignore' });
  const read = (): string => (existsSync(pidFile) ? readFileSync(pidFile, 'utf8') : '');
  while (read() === '') await setTimeout(20);
  const pid = Number(read());
  return () => process.kill(pid);
}

function configurationOf(image: string, socket: string): string {
  // It wants a TCP port too.
  const port = 20_000 + (process.pid % 20_000);
  const generic = `[generic]\nallowlist = true\nlistenaddr = 127.0.0.1\nport = ${String(port)}\nunixsock = ${socket}\n`;
  return `${generic}[disk]\nexportname = ${image}\nflush = true\nfua = true\ntrim = true\n`;
}

/** Resolves when somebody listens at the path. */
async function listening(path: string): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const socket = connect(path);
    const outcome = await Promise.race([
      once(socket, 'connect').then(() => true),
      new Promise<boolean>((resolve) => socket.on('error', () => resolve(false))),
    ]).catch(() => false);
    socket.destroy();
    if (outcome) return;
    await setTimeout(20);
  }
  throw new Error(`nobody listens at ${path}`);
}

/** What a server says its version is. */
export function versionOf(name: PeerName): string {
  const word = name === 'nbd-server' ? '-V' : '--version';
  const text = execFileSync(name, [word], { encoding: 'utf8' });
  return /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? text;
}
