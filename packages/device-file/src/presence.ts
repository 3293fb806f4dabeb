import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { asError, fail } from '@interposer/core';
import type { ImageLock, LockRequest } from './image-lock.ts';

/** An abstract socket whose name says which image this process has open, and how. */
export interface Presence extends ImageLock {
  readonly name: string;
}

const PREFIX = 'interposer-file';
const NAMES = '/proc/net/unix';
// The kernel shows the leading null byte of an abstract name as "@", and so the padding that some versions of Node add.
const ENTRY = /@(interposer-file:[^@\s]+)@*$/gm;

/** Puts a name up that everybody can see and nobody can take away. */
export async function announce({ identity, readOnly, path, log }: LockRequest): Promise<Presence> {
  const name = [PREFIX, identity, readOnly ? 'r' : 'w', process.pid, randomBytes(6).toString('hex')].join(
    ':',
  );
  const server = createServer((connection) => connection.destroy());
  server.unref();
  const failure = await new Promise<Error | undefined>((resolve) => {
    server.once('error', resolve);
    // Exclusive: in a worker of node:cluster the socket would be the primary's otherwise.
    server.listen({ path: `\0${name}`, exclusive: true }, () => resolve(undefined));
  });
  if (failure !== undefined)
    log(`${path}: other processes cannot see that it is open here: ${failure.message}`);
  return { name, release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** EBUSY when another name means that the image is taken. */
export async function refuseRivals(request: LockRequest, own: Presence): Promise<void> {
  const { identity, readOnly, path, log } = request;
  const names = await readFile(NAMES, 'utf8').catch((error: unknown) => {
    log(`${path}: cannot see whether another process has it open: ${asError(error).message}`);
    return '';
  });
  for (const [, name = ''] of names.matchAll(ENTRY)) {
    const [, image, mode, pid = ''] = name.split(':');
    if (name === own.name || image !== identity || (readOnly && mode === 'r')) continue;
    const how = mode === 'r' ? 'reading' : 'writing';
    throw fail('EBUSY', `"${path}" is open for ${how} in ${await describeProcess(pid)}`);
  }
}

async function describeProcess(pid: string): Promise<string> {
  if (pid === String(process.pid)) return 'this process';
  const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return command === '' ? `process ${pid}` : `process ${pid} (${command.trim()})`;
}
