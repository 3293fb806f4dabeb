import { createEngine, type Engine, type Port } from '@interposer/core';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { nbd } from '../src/index.ts';

const MIB = 2 ** 20;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'interposer-nbd-'));
  cleanups.push(() => rm(path, { recursive: true }));
  return path;
}

/** Starts a server and resolves when its socket answers. */
async function serve(socket: string, program: string, ...words: string[]): Promise<void> {
  const child: ChildProcess = spawn(program, words, { stdio: 'ignore' });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  cleanups.push(() => {
    child.kill('SIGTERM');
    return gone;
  });
  while (!existsSync(socket) || !(await answers(socket))) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function open(socket: string, name = ''): Promise<{ engine: Engine; port: Port }> {
  const engine = createEngine({ types: [nbd] });
  const port = await engine.open(`nbd+unix:///${name}?socket=${socket}`);
  cleanups.push(async () => {
    port.close();
    await engine.close();
  });
  return { engine, port };
}

/** Many requests at once, of all sizes, and all that was written is read. */
async function exercise(port: Port, image: Buffer): Promise<void> {
  const sizes = [1, 8, 64, 127, 128, 500, 2048];
  const writes: Promise<void>[] = [];
  for (let sector = 0, i = 0; sector < 8192; sector += sizes[i++ % sizes.length]!) {
    const count = Math.min(sizes[i % sizes.length]!, 8192 - sector);
    const data = image.subarray(sector * 512, (sector + count) * 512);
    for (let at = 0; at < data.length; at++) data[at] = (sector + at * 7) & 0xff;
    writes.push(port.write(sector, data));
  }
  await Promise.all(writes);
  await port.flush();
  await port.writeZeroes(100, 200);
  image.fill(0, 100 * 512, 300 * 512);
  await port.write(50, image.subarray(50 * 512, 51 * 512), 1);
  const reads = Array.from({ length: 64 }, (_, i) => port.read(i * 128, 128));
  expect(Buffer.concat(await Promise.all(reads)).equals(image)).toBe(true);
  expect(Buffer.from(await port.read(0, 8192)).equals(image)).toBe(true);
}

describe.skipIf(!peer('nbdkit'))('nbdkit', () => {
  it('serves what is written, and keeps to limits it tells', async () => {
    const socket = join(await folder(), 's');
    await serve(
      socket,
      'nbdkit',
      '-f',
      '-U',
      socket,
      '--filter=blocksize-policy',
      'memory',
      '4M',
      'blocksize-minimum=4096',
      'blocksize-preferred=65536',
      'blocksize-maximum=256k',
      'blocksize-error-policy=error',
    );
    const { port } = await open(socket);
    expect(port.device.limits).toMatchObject({ logicalBlock: 4096, maxSectors: 512 });
    const data = Buffer.alloc(MIB, 0x33);
    await port.write(8, data);
    expect(Buffer.from(await port.read(8, 2048)).equals(data)).toBe(true);
    await expect(port.read(1, 1)).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('takes many requests at once', async () => {
    const socket = join(await folder(), 's');
    await serve(socket, 'nbdkit', '-f', '-U', socket, 'memory', '4M');
    await exercise((await open(socket)).port, Buffer.alloc(4 * MIB));
  });

  it('tells of failures', async () => {
    const socket = join(await folder(), 's');
    await serve(
      socket,
      'nbdkit',
      '-f',
      '-U',
      socket,
      '--filter=error',
      'memory',
      '4M',
      'error-pread=ENOSPC',
      'error-pread-rate=100%',
    );
    const { port } = await open(socket);
    await expect(port.read(0, 8)).rejects.toMatchObject({ code: 'ENOSPC' });
    await port.write(0, Buffer.alloc(512));
  });
});

describe.skipIf(!peer('qemu-nbd'))('qemu-nbd', () => {
  it('serves an image that holds afterwards what was written', async () => {
    const place = await folder();
    const [socket, file] = [join(place, 's'), join(place, 'image')];
    await writeFile(file, Buffer.alloc(4 * MIB));
    await serve(socket, 'qemu-nbd', '-k', socket, '-x', 'disk', '-e', '4', '-t', '-f', 'raw', file);
    const image = Buffer.alloc(4 * MIB);
    const { port } = await open(socket, 'disk');
    await exercise(port, image);
    expect((await readFile(file)).equals(image)).toBe(true);
    await expect(open(socket, 'other')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
