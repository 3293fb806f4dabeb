import type { Control } from '@interposer/core';

/** How a device is served. */
export interface ExportRequest {
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
