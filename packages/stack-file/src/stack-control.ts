import type { Control } from '@interposer/core';

/** How a socket behaves. Exports that share one must not ask for different things. */
export interface SocketSettings {
  /** `certificates`: a folder; `psk`: a file. */
  readonly tls?: {
    readonly mode: 'off' | 'allow' | 'require';
    readonly certificates?: string;
    readonly psk?: string;
    readonly verifyPeer?: boolean;
  };
  /** Milliseconds without a request after which a connection is closed. */
  readonly idleTimeout?: number;
  /** Of a UNIX socket: the bits of chmod. */
  readonly mode?: number;
  /** Of a UNIX socket, by name or number. */
  readonly group?: string;
}

/** How a device is served on its socket. */
export interface ExportSettings {
  /** Who may use it; each rule is words that must all hold. */
  readonly allow?: readonly string[];
  /** In bytes. */
  readonly blockSizes?: {
    readonly minimum?: number;
    readonly preferred?: number;
    readonly maximum?: number;
    readonly strict?: boolean;
  };
  /** Connections at a time. */
  readonly maxConnections?: number;
}

/** Both: what a stack file says of an export. */
export type AllSettings = SocketSettings & ExportSettings;

/** How a device is served. */
export interface ExportRequest extends AllSettings {
  /** Path of a UNIX socket. */
  readonly path?: string;
  readonly port?: number;
  readonly host?: string;
  /** The NBD export name. */
  readonly as?: string;
  readonly readOnly?: boolean;
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
  /** What was asked for, of the export and of its socket. */
  readonly settings?: AllSettings;
}

/** Who serves devices: the daemon does. */
export interface ExportControl {
  addExport(device: string, request: ExportRequest): Promise<ExportInfo>;
  removeExport(
    name: string,
    address?: { readonly path?: string; readonly port?: number; readonly host?: string },
  ): Promise<void>;
  exports(): Promise<ExportInfo[]>;
}

/**
 * What a stack is brought up with: an engine, or the connection to a daemon. Without the verbs for exports, stacks that
 * have some are refused.
 */
export interface StackControl
  extends
    Pick<
      Control,
      | 'create'
      | 'remove'
      | 'table'
      | 'info'
      | 'list'
      | 'listDevices'
      | 'explain'
      | 'attachFilter'
      | 'detachFilter'
      | 'filters'
      | 'startRemap'
      | 'finishRemap'
      | 'remaps'
      | 'addRule'
      | 'removeRule'
      | 'rules'
    >,
    Partial<ExportControl> {}
