import type { Control } from '@interposer/core';
import type { PluginInfo } from './plugins/plugin.ts';

/** Where an NBD server listens: a UNIX socket, or a TCP port. */
export interface ExportAddress {
  /** Path of a UNIX socket. */
  readonly path?: string;
  /** TCP port; 0: any free one. */
  readonly port?: number;
  /** For a TCP port; `localhost` by default. */
  readonly host?: string;
}

/** How to export a device. */
export interface ExportRequest extends ExportAddress {
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
  /** For clients, e.g. `nbd+unix:///disk?socket=/run/disk.sock`. */
  readonly uri: string;
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
