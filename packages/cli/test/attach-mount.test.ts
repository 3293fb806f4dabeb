import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { program } from '../../interposer/test/world.ts';
import { AttachWorld, hasLoop, tryRead } from './attach-world.ts';
import { quiet } from './installed.ts';

const world = new AttachWorld();
const { mountPoint, run, runtime } = world;
const { start } = world.installed;

describe.skipIf(!hasLoop)('attach of a file system', () => {
  it('gives a node to make one, then the mounted one, and keeps what was written', async () => {
    await world.makeDisk();
    const node = (await world.ok('attach', 'disk')).trim();
    expect(node).toMatch(/^\/dev\/loop\d+$/);
    expect(statSync(join(runtime, '0.sock')).mode & 0o777).toBe(0o600);
    expect(statSync(runtime).mode & 0o777).toBe(0o700);
    await program('mke2fs', '-q', '-t', 'ext4', node);
    expect(await run(['detach', node])).toEqual(quiet);
    await world.expectClean();

    await world.ok('attach', 'disk', 'mnt');
    const [attached] = await world.attachments();
    expect(attached).toMatchObject({ device: 'disk', method: 'loop', mountPoint, readOnly: false });
    expect(tryRead(`/proc/${String(attached!.pid)}/comm`)).toBe('nbdfuse\n');
    writeFileSync(join(mountPoint, 'a'), 'kept');
    expect(await world.complaint('remove', 'disk')).toContain('EBUSY');
    const user = world.standIn(mountPoint);
    expect(await world.complaint('detach', 'mnt')).toContain(
      `EBUSY: ${mountPoint} is in use by sleep (pid ${String(user.pid)})`,
    );
    expect(readFileSync(join(mountPoint, 'a'), 'utf8')).toBe('kept');
    await user.leave();
    expect(await run(['detach', 'mnt'])).toEqual(quiet);
    await world.expectClean();

    await world.ok('attach', '--read-only', 'disk', 'mnt');
    expect(readFileSync(join(mountPoint, 'a'), 'utf8')).toBe('kept');
    expect(() => writeFileSync(join(mountPoint, 'b'), '')).toThrow(/EROFS/);
    await world.ok('detach', 'disk');
    await world.ok('remove', 'disk');
    await program('fsck.ext4', '-fn', world.image);
  });

  it('where there is none fails as mount says, and leaves nothing', async () => {
    await world.makeDisk();
    expect(await world.complaint('attach', 'disk', 'mnt')).toMatch(
      /^interposer: EINVAL: cannot mount \/dev\/loop\d+ at .*: mount: /,
    );
    await world.expectClean();
    await world.ok('remove', 'disk');
  });

  it('is not taken from those who have the node or another mount of it', async () => {
    await world.makeFileSystem();
    const node = (await world.ok('attach', 'disk')).trim();
    const second = world.path('second');
    mkdirSync(second);
    await program('mount', node, second);
    world.undo(() => program('umount', second));
    expect(await world.complaint('detach', 'disk')).toContain(`${node} is in use by the mount ${second}`);
    await program('umount', second);
    const reader = await world.reader(node);
    expect(await world.complaint('detach', 'disk')).toContain(
      `sleep (pid ${String(reader.pid)}) with ${node}`,
    );
    await reader.leave();
    await world.ok('detach', 'disk');
    await world.expectClean();
  });

  it('--force takes it from its users, and what they wrote before is there', async () => {
    await world.makeFileSystem();
    await world.ok('attach', 'disk', 'mnt');
    writeFileSync(join(mountPoint, 'a'), 'written');
    const user = world.standIn(mountPoint);
    expect(await run(['detach', '--force', 'mnt'])).toEqual(quiet);
    await world.ok('remove', 'disk');
    await user.leave();
    await world.expectClean();
    await world.mapDisk();
    await world.ok('attach', 'disk', 'mnt');
    expect(readFileSync(join(mountPoint, 'a'), 'utf8')).toBe('written');
  });

  it.each(['shutdown', 'SIGTERM', 'SIGINT'])('ends with the daemon: %s', async (how) => {
    const daemon = start(['daemon', '--foreground']);
    await daemon.firstLine();
    await world.makeFileSystem();
    await world.ok('attach', 'disk', 'mnt');
    await world.ok('attach', '--method', 'fuse', 'ram:1M');
    writeFileSync(join(mountPoint, 'a'), 'kept');
    if (how === 'shutdown') await world.ok('shutdown');
    else daemon.child.kill(how as NodeJS.Signals);
    expect(await daemon.ended).toMatchObject({ code: 0, stderr: '' });
    expect(world.remains()).toEqual([]);
    await world.mapDisk();
    await world.ok('attach', 'disk', 'mnt');
    expect(readFileSync(join(mountPoint, 'a'), 'utf8')).toBe('kept');
  });

  it('goes when nbdfuse is killed, and the daemon says so and goes on', async () => {
    const daemon = start(['daemon', '--foreground']);
    await daemon.firstLine();
    await world.makeFileSystem();
    await world.ok('attach', 'disk', 'mnt');
    process.kill((await world.attachments())[0]!.pid, 'SIGKILL');
    await expect.poll(world.attachments, { timeout: 30_000 }).toEqual([]);
    await world.expectClean();
    await world.ok('remove', 'disk');
    await world.ok('shutdown');
    const { stderr } = await daemon.ended;
    expect(stderr).toMatch(/^interposer: disk is no longer attached: nbdfuse ended with SIGKILL/);
  });
});
