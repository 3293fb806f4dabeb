import { createEngine, type Engine, type Port } from '@interposer/core';
import { open as openFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { nbd } from '../src/index.ts';
import { cleanups, cleanUp } from './opened.ts';
import { folder, serve, serveAsDaemon } from './peer-server.ts';

const MIB = 2 ** 20;

afterEach(cleanUp);

async function open(socket: string, name = '', query = ''): Promise<{ engine: Engine; port: Port }> {
  const engine = createEngine({ types: [nbd] });
  const port = await engine.open(`nbd+unix:///${name}?socket=${socket}${query}`);
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

/** Sixteen sectors of data at 1 MiB in a file of 8 GiB: the rest is a hole. */
async function sparseFile(): Promise<string> {
  const file = join(await folder(), 'image');
  await writeFile(file, '');
  await truncate(file, 8 * 2 ** 30);
  const handle = await openFile(file, 'r+');
  await handle.write(Buffer.alloc(8192, 7), 0, 8192, MIB);
  await handle.close();
  return file;
}

async function expectSparse(port: Port): Promise<void> {
  const { sectors } = port.device.limits;
  const extents = await port.extents(0, sectors);
  const isHole = (sector: number): boolean =>
    extents.some((one) => one.hole && one.zero && one.sector <= sector && one.sector + one.count > sector);
  expect(extents.reduce((at, { sector, count }) => (sector === at ? at + count : NaN), 0)).toBe(sectors);
  expect([0, 2048, 2063, 8192, sectors - 1].map(isHole)).toEqual([true, false, false, true, true]);
  const read = await port.read(2040, 64);
  expect(read.every((byte, i) => byte === (i >= 4096 && i < 4096 + 8192 ? 7 : 0))).toBe(true);
}

describe('what is a hole', () => {
  it.skipIf(!peer('nbdkit'))('nbdkit tells', async () => {
    const socket = join(await folder(), 's');
    await serve(socket, 'nbdkit', '-f', '-U', socket, 'file', await sparseFile());
    await expectSparse((await open(socket)).port);
  });

  it.skipIf(!peer('nbdkit'))('nbdkit without structured replies does not tell', async () => {
    const socket = join(await folder(), 's');
    await serve(socket, 'nbdkit', '--no-sr', '-f', '-U', socket, 'memory', '4M');
    const { port } = await open(socket);
    await exercise(port, Buffer.alloc(4 * MIB));
    expect(await port.extents(0, 8192)).toEqual([{ sector: 0, count: 8192, hole: false, zero: false }]);
  });

  it.skipIf(!peer('qemu-nbd'))('qemu-nbd tells, and sends holes instead of zeroes', async () => {
    const socket = join(await folder(), 's');
    await serve(socket, 'qemu-nbd', '-k', socket, '-t', '-f', 'raw', await sparseFile());
    await expectSparse((await open(socket)).port);
  });
});

describe('several connections', () => {
  it.skipIf(!peer('nbdkit'))('to nbdkit', async () => {
    const socket = join(await folder(), 's');
    await serve(socket, 'nbdkit', '-f', '-U', socket, 'memory', '4M');
    await exercise((await open(socket, '', '&connections=4')).port, Buffer.alloc(4 * MIB));
  });
});

describe.skipIf(!peer('nbd-server'))('nbd-server', () => {
  it('serves what is written', async () => {
    const place = await folder();
    const [socket, file, config] = [join(place, 's'), join(place, 'image'), join(place, 'config')];
    await writeFile(file, Buffer.alloc(4 * MIB));
    await writeFile(
      config,
      `[generic]\nunixsock = ${socket}\nallowlist = true\n[disk]\nexportname = ${file}\nflush = true\nfua = true\n`,
    );
    await serveAsDaemon(socket, join(place, 'pid'), 'nbd-server', '-C', config, '-p', join(place, 'pid'));
    const { port } = await open(socket, 'disk');
    const data = Buffer.alloc(MIB, 0x21);
    await port.write(8, data, 1);
    await port.flush();
    expect(Buffer.from(await port.read(8, 2048)).equals(data)).toBe(true);
    expect((await readFile(file)).subarray(4096, 4096 + MIB).equals(data)).toBe(true);
  });
});
