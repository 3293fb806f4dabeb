/** An image of the host, changed in place. */
export interface Disk {
  readonly path: string;
  readonly readOnly?: boolean;
}

export interface VmOptions {
  /** Programs of the host that the guest gets, with their libraries, besides busybox. */
  readonly programs?: readonly string[];
  /** Kernel modules to load, such as `nbd` or `dm-snapshot`; what they need is loaded first. */
  readonly modules?: readonly string[];
  /** The guest's /dev/vda, /dev/vdb, ... */
  readonly disks?: readonly Disk[];
  /** UNIX sockets of the host. Scripts find address and port of each, as nbd-client wants them, in `$NBD0`, `$NBD1`, ... */
  readonly nbdSockets?: readonly string[];
  /** Seconds for each script, 60 unless told otherwise. A script that takes longer has status 124. */
  readonly timeout?: number;
  /** How many the guest has, 1 unless told otherwise. They take turns on one of the host's. */
  readonly processors?: number;
  /** MiB of memory, 512 unless told otherwise. */
  readonly memory?: number;
}

/** What a script left: its exit status, 124 when it was ended, and what it wrote. */
export interface ScriptResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Boots a Linux kernel, runs a shell script in it, and ends it.
 *
 * @throws {Error} when something is not installed (says what to install), or the machine does not boot, or dies: with the
 * end of what its console said
 */
export function runInVm(options: VmOptions & { readonly script: string }): Promise<ScriptResult>;

/**
 * The same with several scripts, one after the other in the same machine: what a script leaves behind in the kernel
 * (mounts, devices) the next one finds; processes are ended.
 *
 * @returns a result for each script
 */
export function runScriptsInVm(
  options: VmOptions & { readonly scripts: readonly string[] },
): Promise<ScriptResult[]>;

/** Whether the kernel has been downloaded (`node tools/kernel-vm/index.mjs setup`), so that no network is needed. */
export function hasKernel(): boolean;
