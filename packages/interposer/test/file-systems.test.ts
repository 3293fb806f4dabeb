import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { attachDisk, canMount, type Disk, useUndo } from './mounting.ts';
import { program, useWorld } from './world.ts';

// The kernel's own file systems on an export: nbdfuse makes it a file, a loop device makes that a disk.
const world = useWorld();
const undo = useUndo();
const FILES = 1000;

interface FileSystem {
  readonly name: string;
  readonly make: readonly [string, ...string[]];
  readonly check: readonly [string, ...string[]];
}

const fileSystems: readonly FileSystem[] = [
  { name: 'ext4', make: ['mke2fs', '-q', '-t', 'ext4'], check: ['fsck.ext4', '-f', '-n'] },
  { name: 'xfs', make: ['mkfs.xfs', '-q'], check: ['xfs_repair', '-n'] },
  { name: 'btrfs', make: ['mkfs.btrfs', '-q'], check: ['btrfs', 'check', '--readonly'] },
];

/** An export as a disk of the kernel. */
function attach(name: string): Promise<Disk> {
  const uri = `nbd+unix:///${name}?socket=${world.path(`${name}.sock`)}`;
  return attachDisk(uri, world.path(`fuse-${name}`), undo);
}

async function mount(node: string, name: string): Promise<string> {
  const directory = world.path(`mnt-${name}`);
  mkdirSync(directory, { recursive: true });
  await program('mount', node, directory);
  undo(() => program('umount', directory));
  return directory;
}

function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function writeFiles(directory: string): Map<string, string> {
  const digests = new Map<string, string>();
  for (let i = 0; i < FILES; i++) {
    const path = join(directory, `file-${String(i)}`);
    const data = randomBytes(1 + ((i * 7919) % 40_000));
    writeFileSync(path, data);
    digests.set(`file-${String(i)}`, createHash('sha256').update(data).digest('hex'));
  }
  return digests;
}

describe.skipIf(!canMount() || !peer('nbdfuse', 'fusermount3', 'losetup'))(
  'a file system of the kernel on an export',
  () => {
    for (const { name, make, check } of fileSystems) {
      it.skipIf(!peer(make[0], check[0]))(
        `${name}: ${String(FILES)} files survive, the check is clean, also after a restart`,
        async () => {
          const image = world.image(`${name}.img`, 400 * 2 ** 20);
          const sectors = statSync(image).size / 512;
          const serve = async (): Promise<void> => {
            await world.ok('create', name, '--table', `0 ${String(sectors)} linear ${image} 0`);
            await world.ok('export', 'add', name, '--unix', world.path(`${name}.sock`));
          };

          await serve();
          const first = await attach(name);
          await program(make[0], ...make.slice(1), first.node);
          const directory = await mount(first.node, name);
          const digests = writeFiles(directory);
          await program('umount', directory);
          await program(check[0], ...check.slice(1), first.node);
          await first.detach();
          await world.ok('shutdown');

          await serve();
          const second = await attach(name);
          await mount(second.node, name);
          for (const [file, expected] of digests) expect(digest(join(directory, file))).toBe(expected);
          await program('umount', directory);
          await second.detach();
          await world.ok('export', 'rm', name);
          await world.ok('remove', name);
        },
        180_000,
      );
    }
  },
);
