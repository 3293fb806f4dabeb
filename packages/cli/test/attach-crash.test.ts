import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { program } from '../../interposer/test/world.ts';
import { AttachWorld, hasLoop } from './attach-world.ts';
import { quiet } from './installed.ts';

const world = new AttachWorld();
const { mountPoint, run } = world;

describe.skipIf(!hasLoop)('after the daemon was killed', () => {
  it.each([
    ['the next one cleans up', false, ['attach', 'ls'], 'Nothing is attached\n'],
    ['detach does', false, ['detach', 'mnt'], ''],
    ['also if nbdfuse was killed as well', true, ['detach', 'mnt'], ''],
  ])('with a mounted file system: %s', async (_what, alsoHelper, command, stdout) => {
    await world.makeFileSystem();
    await world.ok('attach', 'disk', 'mnt');
    await world.ok('attach', '--method', 'fuse', 'ram:1M');
    const [disk] = await world.attachments();
    writeFileSync(join(mountPoint, 'a'), 'data');
    await program('sync', '-f', mountPoint);
    await world.killDaemon();
    if (alsoHelper) process.kill(disk!.pid, 'SIGKILL');
    expect(world.remains()).not.toEqual([]);
    expect(await run(command)).toEqual({ ...quiet, stdout });
    await world.expectClean();
    // What was synced is on the image.
    await world.mapDisk();
    await world.ok('attach', 'disk', 'mnt');
    expect(readFileSync(join(mountPoint, 'a'), 'utf8')).toBe('data');
  });

  it.each([
    ['its plan is written down', () => existsSync(world.runtime)],
    ['nbdfuse runs', () => world.remains().some((text) => text.split('\0')[0]!.endsWith('/nbdfuse'))],
    ['nbdfuse has mounted', () => world.remains().some((text) => text.includes(' - fuse'))],
    ['there is a loop device', () => world.remains().some((text) => text.endsWith('.img\n'))],
    ['it is mounted', () => world.remains().some((text) => text.includes(` ${mountPoint} `))],
  ])('while it attached: when %s', async (_when, isSo) => {
    await world.makeFileSystem();
    const attaching = world.run(['attach', 'disk', 'mnt']);
    await expect.poll(isSo, { timeout: 30_000, interval: 1 }).toBe(true);
    await world.killDaemon();
    await attaching;
    await world.expectClean();
  });

  it('who still stands in the mount keeps nobody from starting, and all is gone when he leaves', async () => {
    await world.makeFileSystem();
    await world.ok('attach', 'disk', 'mnt');
    const user = world.standIn(mountPoint);
    await world.killDaemon();
    await world.expectClean();
    await world.mapDisk();
    await world.ok('remove', 'disk');
    await user.leave();
  });
});
