import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { NbdWorld } from './attach-nbd-world.ts';
import type { FakeSystem } from './fake-system.ts';
import { Workbench } from './in-process.ts';

const world = new NbdWorld();
const { folder, mountPoint } = world;

beforeEach(() => world.begin());

/** What attach says to nbd-client. */
function connecting(node: string, id = 0): string {
  const socket = join(folder, `${String(id)}.sock`);
  return `nbd-client -unix ${socket} ${node} -name attached -block-size 512 -nonetlink -nofork`;
}

describe('attach by nbd-client', () => {
  it('takes a free device of the kernel, and detach gives it back', async () => {
    await world.begin({ nbd: [true, false] });
    const { bench, fake } = world;
    expect(await world.ok('attach', 'disk')).toBe(`${world.node(1)}\n`);
    expect(fake.calls()).toEqual([connecting(world.node(1))]);
    const [attached] = JSON.parse(await world.ok('attach', 'ls', '--json')) as { pid: number }[];
    expect(attached).toEqual({
      device: 'disk',
      method: 'nbd',
      readOnly: false,
      lost: false,
      node: world.node(1),
      pid: fake.system.nbdPid('nbd1'),
    });
    expect(await world.ok('attach', 'ls')).toMatch(/^DEVICE +METHOD .*\ndisk +nbd +rw +\S+nbd1 +- +\d+\n$/);
    const removal = await bench.run(['remove', 'disk']);
    expect(removal.stderr).toContain('EBUSY');
    await world.ok('detach', 'disk');
    expect(fake.calls()).toEqual([`nbd-client -d ${world.node(1)}`]);
    fake.write('sys/block/nbd0/size', '0');
    fake.remove('sys/block/nbd0/pid');
    await world.expectClean();
  });

  it('mounts, read-only if asked, and names may be node, mount point or number', async () => {
    const { fake } = world;
    expect(await world.ok('attach', '--read-only', 'disk', 'mnt')).toBe(`${world.node(0)}\n`);
    expect(fake.calls()).toEqual([connecting(world.node(0)), `mount -o ro ${world.node(0)} ${mountPoint}`]);
    expect(await world.ok('attach', 'ls')).toMatch(/disk +nbd +ro +\S+nbd0 +\S+\/mnt /);
    await world.ok('detach', './mnt');
    expect(fake.calls()).toEqual([`umount ${mountPoint}`, `nbd-client -d ${world.node(0)}`]);
    for (const name of [world.node(0), '254:0', '/dev/mapper/disk', mountPoint]) {
      await world.ok('attach', '254:0', mountPoint);
      await world.ok('detach', name);
    }
    await world.expectClean();
  });

  it('of several attachments of a device one has to be named', async () => {
    const { bench } = world;
    await world.ok('attach', 'disk');
    await world.ok('attach', 'disk', 'mnt');
    const { stderr } = await bench.run(['detach', 'disk']);
    expect(stderr).toBe(
      `interposer: EINVAL: disk is attached several times: name one of ${world.node(0)}, ${world.node(1)}\n`,
    );
    const again = await bench.run(['attach', '--method', 'fuse', 'disk', 'mnt']);
    expect(again.stderr).toBe(`interposer: EBUSY: another device is attached at ${mountPoint}\n`);
    await world.ok('detach', world.node(0));
    await world.ok('detach', 'disk');
    await world.expectClean();
  });

  it('says what is not there', async () => {
    const { bench } = world;
    const outcome = async (...args: string[]): Promise<string> => (await bench.run(args)).stderr;
    expect(await outcome('attach', 'nosuch')).toMatch(/^interposer: ENOENT: /);
    expect(await outcome('attach', 'disk', 'nowhere')).toMatch(/^interposer: ENOENT: no mount point nowhere/);
    expect(await outcome('attach', 'disk', '/dev/null')).toContain('EINVAL: /dev/null is neither');
    expect(await outcome('attach', '--method', 'usb', 'disk')).toContain('method "usb" is none of auto, nbd');
    expect(await outcome('detach', 'disk')).toContain('ENOENT: disk is not attached');
    await world.expectClean();
  });
});

describe('detach', () => {
  it.each([
    [
      'a process in the mount',
      (fake: FakeSystem) => fake.user(77, 'vim', `${mountPoint}/a`),
      'vim (pid 77) with',
    ],
    [
      'a process with the node',
      (fake: FakeSystem) => fake.user(78, 'dd', fake.path('dev/nbd0')),
      'dd (pid 78)',
    ],
    ['a mount inside', (fake: FakeSystem) => fake.mount('/dev/sdb', `${mountPoint}/sub`), 'the mount'],
    ['a mount elsewhere', (fake: FakeSystem) => fake.mount(fake.path('dev/nbd0'), '/two'), 'the mount /two'],
    ['a partition', (fake: FakeSystem) => fake.mount(fake.path('dev/nbd0p1'), '/part'), 'the mount /part'],
    [
      'a mount over it',
      (fake: FakeSystem) => fake.mount('/dev/sdb', mountPoint),
      '/dev/sdb is mounted over it',
    ],
    ['swap', (fake: FakeSystem) => fake.write('proc/swaps', `F\n${fake.path('dev/nbd0p2')} x\n`), 'the swap'],
    ['dm', (fake: FakeSystem) => fake.write('sys/block/nbd0/holders/dm-3', ''), 'the block device dm-3'],
    ['somebody unseen', (fake: FakeSystem) => fake.write('busy', ''), 'target is busy'],
  ])('is refused because of %s, who is named, and nothing is changed', async (_what, use, who) => {
    const { fake } = world;
    await world.ok('attach', 'disk', 'mnt');
    const before = [readFileSync(world.stateFile, 'utf8'), await world.ok('attach', 'ls')];
    use(fake);
    const mounts = fake.mountPoints();
    const complaint = await world.complaint('detach', 'disk');
    expect(complaint).toMatch(/^interposer: EBUSY: /);
    expect(complaint).toContain(who);
    expect([readFileSync(world.stateFile, 'utf8'), await world.ok('attach', 'ls')]).toEqual(before);
    expect(fake.mountPoints()).toEqual(mounts);
    expect(fake.isConnected('nbd0')).toBe(true);
  });

  it('--force syncs and unmounts lazily', async () => {
    const { fake } = world;
    await world.ok('attach', 'disk', 'mnt');
    fake.calls();
    fake.write('busy', '');
    await world.ok('detach', '--force', 'disk');
    expect(fake.calls()).toEqual([
      `umount ${mountPoint}`,
      `sync -f ${mountPoint}`,
      `umount ${mountPoint}`,
      `umount --lazy ${mountPoint}`,
      `nbd-client -d ${world.node(0)}`,
    ]);
    expect(world.log.join('\n')).toContain('is in use and is unmounted lazily');
    await world.expectClean();
  });
});

describe('what goes wrong', () => {
  it('nbd-client refuses: its words, and nothing is left', async () => {
    world.fake.write('refuse', '');
    expect(await world.complaint('attach', 'disk', 'mnt')).toContain(
      'nbd-client ended with exit code 1: Error: Socket failed: Connection refused',
    );
    await world.expectClean();
  });

  it('there is no file system: as mount says, and nothing is left', async () => {
    world.fake.write('unformatted', '');
    expect(await world.complaint('attach', 'disk', 'mnt')).toContain(
      `EINVAL: cannot mount ${world.node(0)} at ${mountPoint}: mount: ${mountPoint}: wrong fs type`,
    );
    await world.expectClean();
  });

  it('another program takes the device in between: the next one it is', async () => {
    const { fake } = world;
    fake.write('steal', '');
    expect(await world.ok('attach', 'disk')).toBe(`${world.node(1)}\n`);
    expect(fake.calls()).toEqual([connecting(world.node(0)), connecting(world.node(1))]);
    await world.ok('detach', 'disk');
    fake.remove('sys/block/nbd0/pid');
    await world.expectClean();
  });

  it('nbd-client is killed: the attachment goes, and the log says why', async () => {
    const { fake } = world;
    await world.ok('attach', 'disk', 'mnt');
    process.kill(fake.system.nbdPid('nbd0')!, 'SIGTERM');
    await vi.waitFor(async () => expect(await world.ok('attach', 'ls')).toBe('Nothing is attached\n'));
    expect(existsSync(folder)).toBe(false);
    expect(world.log[0]).toBe('disk is no longer attached: nbd-client ended with exit code 0');
  });

  it('the device is lost: it says so, and can be detached', async () => {
    await world.ok('attach', 'disk');
    await world.ok('device', 'yank', 'disk');
    expect(await world.ok('attach', 'ls')).toMatch(/disk +nbd +lost /);
    await world.ok('detach', 'disk');
    expect(await world.ok('attach', 'ls')).toBe('Nothing is attached\n');
  });

  it('a host that is no daemon attaches nothing', async () => {
    const bench = new Workbench(world.directory);
    await bench.ok('create', 'd', '--table', '0 8 zero');
    expect((await bench.run(['attach', 'd'])).stderr).toContain('ENOTSUP: only a daemon');
  });
});
