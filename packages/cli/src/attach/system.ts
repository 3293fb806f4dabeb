import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { type Mount, parseMounts } from './mounts.ts';

/** Where the operating system shows itself: directories of its own in a test. */
export interface SystemOptions {
  readonly sys?: string;
  readonly dev?: string;
  readonly proc?: string;
  /** Directories of programs, the first one first. */
  readonly path?: readonly string[];
  readonly superuser?: boolean;
  readonly platform?: string;
}

// mount and its like are not always on an ordinary user's PATH.
const SYSTEM_PATHS = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** What the operating system has: programs, device nodes, mounts. It is asked anew each time, and nothing is changed. */
export class System {
  readonly dev: string;
  readonly proc: string;
  readonly superuser: boolean;
  readonly platform: string;
  readonly #sys: string;
  readonly #path: readonly string[];

  constructor(options: SystemOptions = {}) {
    this.#sys = options.sys ?? '/sys';
    this.dev = options.dev ?? '/dev';
    this.proc = options.proc ?? '/proc';
    this.#path = options.path ?? [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_PATHS];
    this.superuser = options.superuser ?? process.geteuid?.() === 0;
    this.platform = options.platform ?? process.platform;
  }

  /** The full path of a program; undefined if it is not installed. */
  program(name: string): string | undefined {
    return this.#path
      .filter((directory) => directory !== '')
      .map((directory) => join(directory, name))
      .find((path) => mayUse(path, constants.X_OK) && statSync(path).isFile());
  }

  /** Whether there is a device node of that name, and whether this process may read and write it. */
  nodeState(name: string): 'usable' | 'forbidden' | 'absent' {
    const path = join(this.dev, name);
    if (mayUse(path, constants.R_OK | constants.W_OK)) return 'usable';
    return mayUse(path, constants.F_OK) ? 'forbidden' : 'absent';
  }

  /** Names of the kernel's NBD devices, e.g. `nbd0`, in order of number; none where its module is not loaded. */
  nbdDevices(): string[] {
    const names = entries(join(this.#sys, 'block')).filter((name) => /^nbd\d+$/.test(name));
    return names.sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)));
  }

  /** The process that connected an NBD device of the kernel; undefined while the device is free. */
  nbdPid(name: string): number | undefined {
    const text = this.#attribute(name, 'pid');
    return text === undefined ? undefined : Number(text);
  }

  /** Whether nothing is connected to an NBD device of the kernel. */
  isFreeNbd(name: string): boolean {
    return this.nbdPid(name) === undefined && this.#attribute(name, 'size') === '0';
  }

  /** Nodes of the loop devices on a file, e.g. `/dev/loop0`. */
  loopsOn(file: string): string[] {
    return entries(join(this.#sys, 'block'))
      .filter((name) => name.startsWith('loop') && this.#attribute(name, 'loop/backing_file') === file)
      .map((name) => join(this.dev, name));
  }

  /** Other block devices that stand on a node or its partitions, such as those of the kernel's device mapper. */
  holders(node: string): string[] {
    const name = node.slice(this.dev.length + 1);
    const directory = join(this.#sys, 'block', name);
    const partitions = entries(directory).filter((entry) => entry.startsWith(`${name}p`));
    return ['', ...partitions].flatMap((part) => entries(join(directory, part, 'holders')));
  }

  /** Everything that is mounted, the latest last. */
  mounts(): Mount[] {
    return parseMounts(read(join(this.proc, 'self/mountinfo')) ?? '');
  }

  /** Nodes and files that the kernel swaps to. */
  swaps(): string[] {
    const lines = (read(join(this.proc, 'swaps')) ?? '').split('\n').slice(1);
    return lines.map((line) => line.split(/\s+/)[0]!).filter((path) => path !== '');
  }

  /** Tells one start of the machine from the next. */
  bootId(): string {
    return read(join(this.proc, 'sys/kernel/random/boot_id')) ?? '';
  }

  #attribute(name: string, attribute: string): string | undefined {
    return read(join(this.#sys, 'block', name, attribute));
  }
}

function mayUse(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** The names in a directory, none if there is no such directory. */
function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** What stands in a small file of the kernel, without the newline at its end. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replace(/\n$/, '');
  } catch {
    return undefined;
  }
}
