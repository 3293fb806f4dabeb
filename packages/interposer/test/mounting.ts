import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, expect } from 'vitest';
import { peerPath } from '../../../tools/peers.ts';
import { program } from './world.ts';

/** Loop devices and mounts take a superuser and the kernel's modules; elsewhere there is nothing to test with. */
export function canMount(): boolean {
  return canFuse() && canUse('/dev/loop-control') && process.getuid?.() === 0;
}

/** Files of FUSE take its device only. */
export function canFuse(): boolean {
  return canUse('/dev/fuse');
}

function canUse(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** What has to be undone after each test of a file, last first, whether or not it was undone already. */
export function useUndo(): (step: () => Promise<unknown>) => void {
  const steps: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const step of steps.splice(0).reverse()) await step().catch(() => undefined);
  });
  return (step) => {
    steps.push(step);
  };
}

/** A disk of the kernel. */
export interface Disk {
  readonly node: string;
  /** Lets it go, orderly. */
  readonly detach: () => Promise<void>;
}

/** An export as a disk of the kernel, without any part of ours: nbdfuse in a directory, and a loop device on its file. */
export async function attachDisk(
  uri: string,
  directory: string,
  undo: (step: () => Promise<unknown>) => void,
): Promise<Disk> {
  mkdirSync(directory, { recursive: true });
  const fuse = spawn(peerPath('nbdfuse')!, [directory, uri], { stdio: 'ignore' });
  const ended = new Promise((resolve) => fuse.on('close', resolve));
  undo(() => program('fusermount3', '-u', directory));
  const file = join(directory, 'nbd');
  await expect.poll(() => existsSync(file), { timeout: 20_000 }).toBe(true);
  const node = (await program('losetup', '--find', '--show', file)).trim();
  undo(() => program('losetup', '--detach', node));
  const detach = async (): Promise<void> => {
    await program('losetup', '--detach', node);
    await program('fusermount3', '-u', directory);
    await ended;
  };
  return { node, detach };
}
