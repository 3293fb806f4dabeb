import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, describe, expect, it } from 'vitest';
import { peer, peerPath } from '../../../tools/peers.ts';
import { program, useWorld } from './world.ts';

// The kernel's own file systems on an export: nbdfuse makes it a file, a loop device makes that a disk.
const world = useWorld();
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

/** What has to be undone, last first. */
const undo: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step().catch(() => undefined);
});

/** Loop devices and mounts take a superuser and the kernel's modules; elsewhere there is nothing to test with. */
function canMount(): boolean {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    accessSync('/dev/loop-control', constants.R_OK | constants.W_OK);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

/** An export as a disk of the kernel: its device node, and how to let it go. */
async function attach(name: string): Promise<{ node: string; detach: () => Promise<void> }> {
  const directory = world.path(`fuse-${name}`);
  mkdirSync(directory, { recursive: true });
  const uri = `nbd+unix:///${name}?socket=${world.path(`${name}.sock`)}`;
  const fuse = spawn(peerPath('nbdfuse')!, [directory, uri], { stdio: 'ignore' });
  const ended = new Promise((resolve) => fuse.on('close', resolve));
  undo.push(() => program('fusermount3', '-u', directory));
  const file = join(directory, 'nbd');
  await expect.poll(() => existsSync(file), { timeout: 20_000 }).toBe(true);
  const node = (await program('losetup', '--find', '--show', file)).trim();
  const detach = async (): Promise<void> => {
    await program('losetup', '--detach', node);
    await program('fusermount3', '-u', directory);
    await ended;
  };
  undo.push(() => program('losetup', '--detach', node));
  return { node, detach };
}

async function mount(node: string, name: string): Promise<string> {
  const directory = world.path(`mnt-${name}`);
  mkdirSync(directory, { recursive: true });
  await program('mount', node, directory);
  undo.push(() => program('umount', directory));
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
