import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { NbdWorld } from './attach-nbd-world.ts';
import type { FakeSystem } from './fake-system.ts';

const world = new NbdWorld();
const { folder, mountPoint } = world;

beforeEach(() => world.begin());

describe('what a killed daemon left', () => {
  const leftBy = (boot: string, fake: FakeSystem): string => {
    const socket = join(folder, '0.sock');
    const node = fake.path('dev/nbd0');
    const record = { id: 0, device: 'disk', method: 'nbd', readOnly: false, socket, node, mountPoint };
    return JSON.stringify({ boot, attachments: [record] });
  };

  /** A machine as it is after the kill: nbd-client went with the socket, the mount has not. `stat` is of its number now. */
  async function leave(boot: string, stat?: string): Promise<void> {
    const { fake } = world;
    mkdirSync(folder, { mode: 0o700 });
    fake.write('../run.d/attachments.json', leftBy(boot, fake));
    fake.write('../run.d/0.sock', '');
    fake.mount(fake.path('dev/nbd0'), mountPoint);
    fake.write('sys/block/nbd0/pid', '99\n');
    if (stat !== undefined) fake.write('proc/99/stat', stat);
    await world.bench.host.attachments.useFolder(folder);
  }

  it.each([
    ['where nbd-client is gone', undefined],
    ['where nobody has asked yet how it ended', '99 (nbd-client) Z 1 99 99 0'],
  ])('is taken away by the next, and detach knows of it: %s', async (_what, stat) => {
    await leave('this-boot', stat);
    const { fake } = world;
    expect(fake.calls()).toEqual([`umount ${mountPoint}`]);
    expect(world.log[0]).toContain('disk was left attached at');
    await world.ok('detach', 'mnt');
    expect(await world.complaint('detach', 'mnt')).toContain('ENOENT');
    fake.remove('sys/block/nbd0/pid');
    await world.expectClean();
  });

  it('is let be where the device is another program’s by now', async () => {
    await leave('this-boot', '99 (nbd) Z x) S 1 99 99 0');
    expect(world.fake.calls()).toEqual([]);
    expect(world.fake.mountPoints()).toEqual(['/', mountPoint]);
    expect(existsSync(folder)).toBe(false);
  });

  it('before the machine started anew is nobody’s: numbers belong to others now', async () => {
    await leave('another-boot');
    const { fake } = world;
    expect(fake.calls()).toEqual([]);
    expect(fake.mountPoints()).toEqual(['/', mountPoint]);
    expect(existsSync(folder)).toBe(false);
  });

  it('and a list that cannot be read is told, and keeps no daemon from starting', async () => {
    const { bench, fake } = world;
    mkdirSync(folder, { mode: 0o700 });
    fake.write('../run.d/attachments.json', '{');
    await bench.host.attachments.useFolder(folder);
    expect(world.log.join()).toContain('attachments.json cannot be read');
    await world.ok('attach', 'disk');
    await world.ok('detach', 'disk');
    await world.expectClean();
  });

  it('in a folder that others may enter is not trusted', async () => {
    const { bench } = world;
    mkdirSync(folder, { mode: 0o755 });
    expect(await world.complaint('attach', 'disk')).toContain('EACCES');
    mkdirSync(folder, { mode: 0o755 });
    await bench.host.attachments.useFolder(folder);
    expect(world.log.join()).toContain('must be a directory of this user with mode 0700');
  });
});
