import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { canFuse, canMount, useUndo } from '../../interposer/test/mounting.ts';
import { program } from '../../interposer/test/world.ts';
import { type AttachmentInfo, connect, runCommandLine } from '../src/index.ts';
import { type Installed, installProgram } from './installed.ts';
import type { Ended } from './program.ts';
import { makeImage } from './temp.ts';

// nbdfuse, loop devices and mounts of this machine, with a daemon as users run it.

/** Whether devices can be attached as files here. */
export const hasFuse: boolean = canFuse() && peer('nbdfuse', 'fusermount3');

/** Whether they can be attached as loop devices, and mounted. */
export const hasLoop: boolean = canMount() && hasFuse && peer('losetup', 'mke2fs', 'mount', 'umount');

/** Size of the disk in sectors. */
export const SECTORS = 32_768;

/** What the kernel or the system tells in a small file; empty if there is none. */
export function tryRead(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** A process that a test started. */
export interface User {
  readonly pid: number;
  leave(): Promise<unknown>;
}

/**
 * A place to attach at, and a disk, with a daemon of its own; commands run in this process. Checks after each test that nothing
 * is left.
 */
export class AttachWorld {
  readonly installed: Installed;
  readonly undo: (step: () => Promise<unknown>) => void;
  readonly mountPoint: string;
  readonly runtime: string;
  readonly image: string;

  /** For the tests of a file. */
  constructor() {
    this.installed = installProgram();
    this.undo = useUndo();
    this.mountPoint = this.path('mnt');
    this.image = this.path('disk.img');
    this.runtime = `${this.installed.socket}.d`;
    mkdirSync(this.mountPoint);
    afterEach(async () => {
      await this.run(['shutdown']);
      expect(this.remains()).toEqual([]);
    });
  }

  path(name: string): string {
    return join(this.installed.directory, name);
  }

  /** Runs a command; the daemon is started from the program where it is needed. */
  readonly run = async (args: readonly string[]): Promise<Ended> => {
    const { directory, socket } = this.installed;
    const output = { stdout: '', stderr: '' };
    const sink = (name: 'stdout' | 'stderr') => ({
      write: (data: string | Uint8Array) => (output[name] += Buffer.from(data).toString()),
    });
    const around = {
      stdin: (async function* () {})(),
      stdout: sink('stdout'),
      stderr: sink('stderr'),
      cwd: directory,
      env: { PATH: process.env.PATH, TMPDIR: directory, INTERPOSER_SOCKET: socket },
      sleep: async () => {},
      stop: new AbortController().signal,
    };
    const script = this.path('program/program-entry.mjs');
    const code = await runCommandLine(args, around, { plugins: [], version: '1.2.3', script });
    return { code, ...output };
  };

  async ok(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`interposer ${args.join(' ')} ended with ${String(code)}: ${stderr}`);
    return stdout;
  }

  /** What a command that fails says. */
  async complaint(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    return stderr;
  }

  /** A mapped device over a new image. */
  async makeDisk(): Promise<void> {
    makeImage(this.installed.directory, 'disk.img', SECTORS);
    await this.mapDisk();
  }

  /** The same, with a file system. */
  async makeFileSystem(): Promise<void> {
    makeImage(this.installed.directory, 'disk.img', SECTORS);
    await program('mke2fs', '-q', '-t', 'ext4', this.image);
    await this.mapDisk();
  }

  /** The mapped device over the image that is there. */
  async mapDisk(): Promise<void> {
    await this.ok('create', 'disk', '--table', `0 ${String(SECTORS)} linear ${this.image} 0`);
  }

  readonly attachments = async (): Promise<AttachmentInfo[]> =>
    JSON.parse(await this.ok('attach', 'ls', '--json')) as AttachmentInfo[];

  /** What the kernel, and the list of processes, still know of this directory. */
  remains(): string[] {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    const loops = readdirSync('/sys/block').map((name) => tryRead(`/sys/block/${name}/loop/backing_file`));
    const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    const commands = processes.map((pid) => tryRead(`/proc/${pid}/cmdline`));
    const helpers = commands.filter((text) => text.includes('nbdfuse'));
    return [...mounts, ...loops, ...helpers].filter((text) => text.includes(`${this.installed.directory}/`));
  }

  async expectClean(): Promise<void> {
    expect(await this.ok('attach', 'ls')).toBe('Nothing is attached\n');
    expect(this.remains()).toEqual([]);
    expect(existsSync(this.runtime)).toBe(false);
    expect(readdirSync(this.mountPoint)).toEqual([]);
  }

  /** A process that stands in a directory, until it leaves or the test is over. */
  standIn(path: string): User {
    return this.#user(spawn('sleep', ['1000'], { cwd: path, stdio: 'ignore' }));
  }

  /** One that has a file or node open. */
  async reader(path: string): Promise<User> {
    const user = this.#user(spawn('sh', ['-c', 'exec sleep 1000 < "$0"', path], { stdio: 'ignore' }));
    const opened = (): string => tryRead(`/proc/${String(user.pid)}/comm`);
    await expect.poll(opened, { timeout: 20_000 }).toBe('sleep\n');
    return user;
  }

  #user(child: ReturnType<typeof spawn>): User {
    const ended = new Promise((resolve) => child.on('close', resolve));
    const leave = (): Promise<unknown> => {
      child.kill('SIGKILL');
      return ended;
    };
    this.undo(leave);
    return { pid: child.pid!, leave };
  }

  /** Kills the daemon so that it cannot clean up. */
  async killDaemon(): Promise<void> {
    const { socket } = this.installed;
    const service = await connect(socket);
    const pid = readdirSync('/proc').find((name) => {
      const words = /^\d+$/.test(name) ? tryRead(`/proc/${name}/cmdline`).split('\0') : [];
      return words.includes('--started') && words.includes(socket);
    });
    process.kill(Number(pid), 'SIGKILL');
    await service.closed;
    // Its descriptors are closed one after the other: until the last is, its socket may take a client.
    const state = (): string => /\) (\w)/.exec(tryRead(`/proc/${pid!}/stat`))?.[1] ?? 'gone';
    await expect.poll(state, { timeout: 20_000, interval: 1 }).toMatch(/^(Z|X|gone)$/);
  }
}
