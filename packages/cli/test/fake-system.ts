import { appendFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { System } from '../src/attach/system.ts';

// A machine in a directory: what the kernel shows in /sys, /dev and /proc, and programs that change it as the real ones do.

/** Each notes how it was called. */
const HEAD = '#!/bin/sh\nroot=$(dirname "$0")/..\necho "$(basename "$0") $*" >> "$root/calls"\n';

const PROGRAMS: Readonly<Record<string, string>> = {
  // Stays as long as it is connected, as with -nonetlink -nofork.
  'nbd-client': `
if [ "$1" = -d ]; then kill "$(cat "$root/sys/block/$(basename "$2")/pid")"; exit 0; fi
[ -e "$root/refuse" ] && { echo "Error: Socket failed: Connection refused" >&2; exit 1; }
device=$root/sys/block/$(basename "$3")
[ -e "$root/steal" ] && { rm "$root/steal"; echo 1 > "$device/pid"; echo "Error: Failed to setup device, Device or resource busy" >&2; exit 1; }
trap 'rm "$device/pid"; echo 0 > "$device/size"; kill $!; exit 0' TERM
echo 2048 > "$device/size"; echo $$ > "$device/pid"
sleep 1000 & wait`,
  mount: `
for point in "$@"; do node=$last; last=$point; done
[ -e "$root/unformatted" ] && { echo "mount: $point: wrong fs type, bad option, bad superblock on $node" >&2; exit 32; }
echo "36 35 43:0 / $point rw,relatime shared:1 - ext4 $node rw" >> "$root/proc/self/mountinfo"`,
  umount: `
for point in "$@"; do :; done
[ -e "$root/busy" ] && [ "$1" != --lazy ] && { echo "umount: $point: target is busy." >&2; exit 32; }
grep -v " $point " "$root/proc/self/mountinfo" > "$root/mounts.new"; mv "$root/mounts.new" "$root/proc/self/mountinfo"`,
  losetup: '',
  nbdfuse: '',
  fusermount3: '',
  sync: '',
};

/** What a fake machine has; everything by default. */
export interface FakeOptions {
  readonly superuser?: boolean;
  /** Whether each NBD device of the kernel is in use. */
  readonly nbd?: readonly boolean[];
  readonly nodes?: readonly string[];
  readonly programs?: readonly string[];
  readonly platform?: string;
}

export class FakeSystem {
  readonly root: string;
  readonly system: System;

  constructor(root: string, options: FakeOptions = {}) {
    const {
      nbd = [false, false],
      nodes = ['fuse', 'loop-control'],
      programs = Object.keys(PROGRAMS),
    } = options;
    this.root = root;
    rmSync(root, { recursive: true, force: true });
    for (const [at, taken] of nbd.entries()) {
      this.write(`dev/nbd${String(at)}`, '');
      this.write(`sys/block/nbd${String(at)}/size`, taken ? '2048\n' : '0\n');
      if (taken) this.write(`sys/block/nbd${String(at)}/pid`, '1\n');
    }
    for (const name of nodes) this.write(`dev/${name}`, '');
    for (const name of programs) this.write(`bin/${name}`, `${HEAD}${PROGRAMS[name]!}\n`, 0o755);
    this.write('proc/self/mountinfo', '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n');
    this.write('proc/swaps', 'Filename\tType\n');
    this.write('proc/sys/kernel/random/boot_id', 'this-boot\n');
    this.write('calls', '');
    this.system = new System({
      sys: join(root, 'sys'),
      dev: join(root, 'dev'),
      proc: join(root, 'proc'),
      // The programs of the shell scripts themselves are found by the shell.
      path: [join(root, 'bin')],
      superuser: options.superuser ?? true,
      platform: options.platform ?? 'linux',
    });
  }

  path(name: string): string {
    return join(this.root, name);
  }

  write(name: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text, { mode });
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  remove(name: string): void {
    rmSync(this.path(name), { recursive: true, force: true });
  }

  /** The calls of programs since the last look. */
  calls(): string[] {
    const lines = this.read('calls').split('\n').slice(0, -1);
    this.write('calls', '');
    return lines;
  }

  /** A process that has a path open. */
  user(pid: number, name: string, path: string): void {
    this.write(`proc/${String(pid)}/comm`, `${name}\n`);
    mkdirSync(this.path(`proc/${String(pid)}/fd`));
    symlinkSync(path, this.path(`proc/${String(pid)}/fd/3`));
  }

  mount(node: string, point: string): void {
    appendFileSync(this.path('proc/self/mountinfo'), `40 22 43:0 / ${point} rw - ext4 ${node} rw\n`);
  }

  mountPoints(): string[] {
    return this.system.mounts().map(({ point }) => point);
  }

  isConnected(node: string): boolean {
    return !this.system.isFreeNbd(basename(node));
  }
}
