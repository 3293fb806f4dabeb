import type { Control } from '@interposer/core';
import type { OpenSnapshotRequest, SnapshotInfo, SnapshotRequest } from '@interposer/live-snapshot';
import type { ExportSettings, SocketSettings } from '@interposer/stack-file';
import type { PluginInfo } from './plugins/plugin.ts';

/** Where an NBD server listens: a UNIX socket, or a TCP port. */
export interface ExportAddress {
  /** Path of a UNIX socket. */
  readonly path?: string;
  /** TCP port; 0: any free one. */
  readonly port?: number;
  /** For a TCP port; `localhost` by default. */
  readonly host?: string;
  /** A socket that listens already, as systemd passes it. */
  readonly fd?: number;
}

/** How to export a device. */
export interface ExportRequest extends ExportAddress, SocketSettings, ExportSettings {
  /** The NBD export name; the device's name as given by default. */
  readonly as?: string;
  readonly readOnly?: boolean;
  /** Shown to clients that list exports. */
  readonly description?: string;
}

/** A device that is served. */
export interface ExportInfo {
  readonly name: string;
  /** As the device was named. */
  readonly device: string;
  readonly readOnly: boolean;
  /** Set when the device is gone: clients get errors until the export is removed. */
  readonly lost?: boolean;
  /** For clients, e.g. `nbd+unix:///disk?socket=/run/disk.sock`. */
  readonly uri: string;
  /** What was asked for, of the export and of its socket. */
  readonly settings: ExportSettings & SocketSettings;
}

/**
 * How a device becomes one of the operating system: `nbd`, an NBD device of the kernel; `loop`, a loop device on a file of
 * nbdfuse; `fuse`, that file alone.
 */
export type AttachMethod = 'nbd' | 'loop' | 'fuse';

/** How to attach a device. */
export interface AttachRequest {
  /** `auto` by default: the first of nbd, loop and fuse that can be had. */
  readonly method?: AttachMethod | 'auto';
  /** A directory where the file system on the device is mounted; with fuse, a file or directory that nbdfuse covers. */
  readonly mountPoint?: string;
  readonly readOnly?: boolean;
}

/** A device that is attached to the operating system. */
export interface AttachmentInfo {
  readonly device: string;
  readonly method: AttachMethod;
  readonly readOnly: boolean;
  /** Whether the device is gone; its users get errors until it is detached. */
  readonly lost: boolean;
  /** The device node, or with fuse the file. */
  readonly node: string;
  /** Where it is mounted, if it is. */
  readonly mountPoint?: string;
  /** The process of nbd-client or nbdfuse. */
  readonly pid: number;
}

/** A snapshot to make. */
export interface SnapshotOptions extends Pick<
  SnapshotRequest,
  'device' | 'name' | 'chunk' | 'persistent' | 'altitude'
> {
  /** A file that is not there is made; `auto`, the default: one with a name of its own, which goes with the snapshot. */
  readonly store?: string;
  /** Bytes of a file that is made; by default as many as the store can need. */
  readonly size?: number;
}

/** A snapshot to bring up again. */
export interface OpenSnapshot extends Pick<OpenSnapshotRequest, 'device' | 'name' | 'altitude' | 'merge'> {
  /** `auto`, the default: the file that one of that name would have got. */
  readonly store?: string;
  /** With `merge`: answers when the merge is over. */
  readonly wait?: boolean;
}

/** A device that is kept open for a client. */
export interface HeldDevice {
  /** What to name it in further calls, e.g. `254:0`: also a device that has no name of its own. */
  readonly device: string;
  readonly sectors: number;
  /** Bytes. */
  readonly logicalBlock: number;
}

/** Everything the command line can ask of a daemon. */
export interface Service extends Control {
  /** Relative paths of further calls start in this directory: first where the client stands. */
  chdir(path: string): Promise<void>;
  /** Serves a device over NBD. EEXIST if the address has an export of that name already. */
  addExport(device: string, request: ExportRequest): Promise<ExportInfo>;
  /** Ends an export: requests in flight end, clients are disconnected. ENOENT if there is none, EINVAL if several match. */
  removeExport(name: string, address?: ExportAddress): Promise<void>;
  exports(): Promise<ExportInfo[]>;
  /**
   * Makes a device one of the operating system, until it is detached or the daemon ends. What is not there for it is an
   * error: EACCES, ENODEV, ENOENT, EBUSY, EINVAL, ENOTSUP.
   */
  attach(device: string, request?: AttachRequest): Promise<AttachmentInfo>;
  /**
   * Takes an attachment away, by device, node or mount point. ENOENT if there is none, EINVAL if several match, EBUSY with
   * those who use it; with `force` they get errors instead.
   */
  detach(what: string, options?: { readonly force?: boolean }): Promise<void>;
  attachments(): Promise<AttachmentInfo[]>;
  /** Snapshots of devices in use, of one and the same moment: all or none. */
  createSnapshots(requests: readonly SnapshotOptions[]): Promise<SnapshotInfo[]>;
  openSnapshot(request: OpenSnapshot): Promise<SnapshotInfo>;
  snapshots(): Promise<SnapshotInfo[]>;
  /** Makes a device what its snapshot is; with `wait` answers when that is over. It comes to its end in any case. */
  mergeSnapshot(name: string, options?: { readonly wait?: boolean }): Promise<SnapshotInfo>;
  removeSnapshot(name: string): Promise<SnapshotInfo>;
  /** Keeps a device open until the client goes or releases it. */
  hold(device: string, mode: 'read' | 'write'): Promise<HeldDevice>;
  /** Gives up what `hold` answered. */
  release(device: string): Promise<void>;
  /** Loads a plugin by path or package name. */
  loadPlugin(spec: string): Promise<PluginInfo>;
  plugins(): Promise<PluginInfo[]>;
  /** Plugins that could not be loaded, and why. */
  problems(): Promise<string[]>;
  /** Answers, then ends every export, flushes and closes every device, and exits. */
  shutdown(): Promise<void>;
}
