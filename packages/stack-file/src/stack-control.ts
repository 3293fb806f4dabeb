import type { Control } from '@interposer/core';

/** How a socket behaves, and who may use a device on it and how. */
export interface ExportSettings {
  /** `certificates`: a folder; `psk`: a file. */
  readonly tls?: {
    readonly mode: 'off' | 'allow' | 'require';
    readonly certificates?: string;
    readonly psk?: string;
    readonly verifyPeer?: boolean;
  };
  /** Milliseconds. */
  readonly idleTimeout?: number;
  /** Of a UNIX socket: the bits of chmod. */
  readonly mode?: number;
  /** Of a UNIX socket. */
  readonly group?: string;
  /** Rules, each of words that must all hold. */
  readonly allow?: readonly string[];
  /** Bytes. */
  readonly blockSizes?: {
    readonly minimum?: number;
    readonly preferred?: number;
    readonly maximum?: number;
    readonly strict?: boolean;
  };
  readonly maxConnections?: number;
}

/** How a device is served. */
export interface ExportRequest extends ExportSettings {
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
  readonly settings?: ExportSettings;
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
