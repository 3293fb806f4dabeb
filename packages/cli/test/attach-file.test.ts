import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { program } from '../../interposer/test/world.ts';
import { AttachWorld, hasFuse, SECTORS } from './attach-world.ts';
import { quiet } from './installed.ts';
import { makeImage } from './temp.ts';

const world = new AttachWorld();
const { mountPoint, run } = world;
const { directory } = world.installed;

describe.skipIf(!hasFuse)('attach as a file', () => {
  it('takes the place of a file, or stands in a directory', async () => {
    await world.makeDisk();
    writeFileSync(world.image, 'on the image', { flag: 'r+' });
    writeFileSync(world.path('file'), '');
    symlinkSync('mnt', world.path('link'));
    const file = (await world.ok('attach', '--method', 'fuse', 'disk', 'file')).trim();
    expect(file).toBe(world.path('file'));
    expect(statSync(file).size).toBe(SECTORS * 512);
    const inside = (await world.ok('attach', '--method', 'fuse', '--read-only', 'disk', 'link')).trim();
    expect(inside).toBe(join(mountPoint, 'nbd'));
    expect(await program('head', '-c', '12', inside)).toBe('on the image');
    const data = makeImage(directory, 'new', 1, Buffer.from('new'));
    await program('dd', `of=${file}`, 'conv=notrunc,fsync', `if=${data}`);
    expect(readFileSync(world.image).subarray(0, 4).toString()).toBe('new\0');
    await expect(program('dd', `of=${inside}`, 'conv=notrunc', 'if=/dev/zero', 'count=1')).rejects.toThrow(
      /dd/,
    );
    expect(await world.complaint('detach', 'disk')).toContain(`name one of ${file}, ${inside}`);
    expect(await run(['detach', 'link'])).toEqual(quiet);
    expect(await run(['detach', 'disk'])).toEqual(quiet);
    expect(statSync(file).size).toBe(0);
    await world.expectClean();
  });

  it('is not taken from a reader, but with --force', async () => {
    const file = (await world.ok('attach', '--method', 'fuse', 'ram:1M')).trim();
    const reader = await world.reader(file);
    expect(await world.complaint('detach', file)).toContain(
      `EBUSY: ${file} is in use by sleep (pid ${String(reader.pid)}) with ${file}`,
    );
    expect(await run(['detach', '-f', file])).toEqual(quiet);
    await world.expectClean();
  });

  it('and unmounted by somebody else it is gone', async () => {
    const file = (await world.ok('attach', '--method', 'fuse', 'ram:1M')).trim();
    await program('fusermount3', '-u', file);
    await expect.poll(world.attachments, { timeout: 20_000 }).toEqual([]);
    await world.expectClean();
  });
});

const NOBODY = 65_534;

describe.skipIf(!hasFuse || process.getuid?.() !== 0 || !peer('setpriv'))('attach by anybody', () => {
  it('gives a file, and says why nothing else', async () => {
    const home = world.path('home');
    mkdirSync(home);
    const image = makeImage(home, 'own.img', 64, Buffer.from('own'));
    for (const path of [home, image]) chownSync(path, NOBODY, NOBODY);
    for (const path of [directory, world.path('program')]) chmodSync(path, 0o755);
    const asNobody = (...args: readonly string[]): Promise<string> => {
      const who = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
      const env = ['env', `INTERPOSER_SOCKET=${home}/run/c.sock`, `PATH=${process.env.PATH ?? ''}`];
      return program('setpriv', ...who, ...env, ...args);
    };
    const interposer = (...args: readonly string[]): Promise<string> =>
      asNobody(process.execPath, world.path('program/program-entry.mjs'), ...args);
    world.undo(() => interposer('shutdown'));
    await expect(interposer('attach', '--method', 'loop', image)).rejects.toThrow(/EACCES: .* superuser/);
    const file = (await interposer('attach', image)).trim();
    expect(file).toBe(join(home, 'run/c.sock.d/0.img'));
    expect(await asNobody('head', '-c', '3', file)).toBe('own');
    await interposer('detach', image);
    expect(await interposer('attach', 'ls')).toBe('Nothing is attached\n');
    await interposer('shutdown');
    rmSync(home, { recursive: true });
  });
});
