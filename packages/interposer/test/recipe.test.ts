import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import { beforeEach, describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { attachDisk, canMount, useUndo } from './mounting.ts';
import { program, useWorld } from './world.ts';

// The recipe of the kernel patches for blk_interposer: devices are slid under a file system that is mounted and in use.
const world = useWorld();
const undo = useUndo();
const IMAGE_BYTES = 200 * 2 ** 20;
const FILES = 250;
const MILLISECONDS = 2;

beforeEach(async () => {
  await build({
    entry: { delay: fileURLToPath(new URL('../../target-delay/src/index.ts', import.meta.url)) },
    outDir: world.path('plugins'),
    outExtension: () => ({ js: '.mjs' }),
    format: 'esm',
    config: false,
    silent: true,
    noExternal: [/^@interposer\//],
    esbuildOptions: (options) => {
      options.conditions = ['@interposer/source'];
    },
  });
});

/** Files of all sizes, with what they hold. */
function makeFiles(directory: string): Map<string, string> {
  mkdirSync(directory);
  const digests = new Map<string, string>();
  for (let i = 0; i < FILES; i++) {
    const data = randomBytes(1 + ((i * 7919) % 30_000));
    writeFileSync(join(directory, `file-${String(i)}`), data);
    digests.set(`file-${String(i)}`, createHash('sha256').update(data).digest('hex'));
  }
  return digests;
}

function checkFiles(directory: string, digests: ReadonlyMap<string, string>): void {
  for (const [file, digest] of digests) {
    const data = readFileSync(join(directory, file));
    expect(createHash('sha256').update(data).digest('hex')).toBe(digest);
  }
}

/** Copies into a file system and makes it write, again and again. */
class Copying {
  copies = 0;
  readonly #from: string;
  readonly #to: string;
  #stopping = false;
  #copied: () => void = () => undefined;
  readonly #running: Promise<void>;

  constructor(from: string, to: string) {
    this.#from = from;
    this.#to = to;
    this.#running = this.#run();
    // Who stops it is told.
    this.#running.catch(() => this.#copied());
  }

  /** Resolves when one more copy is done, or has failed. */
  async another(): Promise<void> {
    await new Promise<void>((resolve) => (this.#copied = resolve));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const target = join(this.#to, `copy-${String(this.copies % 4)}`);
      await program('rm', '-rf', target);
      await program('cp', '-r', this.#from, target);
      await program('sync', '-f', this.#to);
      this.copies++;
      this.#copied();
    }
  }
}

/** Every edit of the recipe, each while files are copied. */
async function followRecipe(image: string, sectors: number, copying: Copying): Promise<void> {
  const plugin = ['--plugin', world.path('plugins/delay.mjs')];
  const length = String(sectors);
  const steps: string[][] = [
    // A linear device over the very disk.
    ['create', 'cover', '--table', `0 ${length} linear ${image} 0 noexcl`],
    ['remap', 'start', 'cover', image],
    // Another table for it while it is in use, in the kernel's two steps, and one more below what is there.
    [
      'load',
      'cover',
      '--table',
      `0 2048 linear ${image} 0 noexcl\n2048 ${String(sectors - 2048)} linear ${image} 2048 noexcl`,
    ],
    ['resume', 'cover'],
    // A device with a delay instead, through one that enters below it.
    ['create', 'base', '--table', `0 ${length} linear ${image} 0 noexcl`],
    ['create', 'slow', '--table', `0 ${length} delay base 0 ${String(MILLISECONDS)}`, ...plugin],
    ['remap', 'finish', 'cover'],
    ['remap', 'start', 'slow', image],
    ['load', 'slow', '--table', `0 ${length} delay base 0 0`],
    ['resume', 'slow'],
    // The delay as a filter: above, and on the device that stands in.
    ['filter', 'attach', image, `delay@250000 ${String(MILLISECONDS)}`],
    ['filter', 'attach', 'slow', `delay ${String(MILLISECONDS)}`],
    ['remap', 'start', '--altitude', '300000', 'cover', image],
    ['filter', 'detach', 'slow', 'delay'],
    // And back.
    ['remap', 'finish', 'slow'],
    ['filter', 'detach', image, 'delay'],
    ['remap', 'finish', 'cover'],
    ...['slow', 'base', 'cover'].map((name) => ['remove', name]),
  ];
  for (const step of steps) {
    await copying.another();
    await world.ok(...step);
  }
  await copying.another();
}

describe.skipIf(
  !canMount() || !peer('nbdfuse', 'fusermount3', 'losetup', 'mke2fs', 'mount', 'umount', 'fsck.ext4'),
)('the recipe of the kernel', () => {
  it('slides devices over the disk of a mounted ext4 and takes them out, while files are copied', async () => {
    const image = world.image('disk.img', IMAGE_BYTES);
    const digests = makeFiles(world.path('source'));
    await world.ok('export', 'add', image, '--as', 'disk', '--unix', world.path('disk.sock'));
    const uri = `nbd+unix:///disk?socket=${world.path('disk.sock')}`;
    const { node } = await attachDisk(uri, world.path('fuse'), undo);
    await program('mke2fs', '-q', '-t', 'ext4', node);
    const directory = world.path('mnt');
    mkdirSync(directory);
    await program('mount', '-o', 'errors=remount-ro', node, directory);
    undo(() => program('umount', directory));

    const copying = new Copying(world.path('source'), directory);
    await followRecipe(image, statSync(image).size / 512, copying).finally(() => copying.stop());
    expect(copying.copies).toBeGreaterThan(4);
    const explained = await world.ok('filter', 'ls');
    expect(explained).toContain('No filters found');

    await program('umount', directory);
    await program('fsck.ext4', '-f', '-n', node);
    // What was cached is gone with the loop device's pages.
    await program('mount', '-o', 'ro', node, directory);
    for (let copy = 0; copy < 4; copy++) checkFiles(join(directory, `copy-${String(copy)}`), digests);
    await program('umount', directory);
  }, 180_000);
});
