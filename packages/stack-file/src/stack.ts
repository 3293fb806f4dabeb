import type { Altitude, TableLine } from '@interposer/core';
import type { AllSettings } from './stack-control.ts';

/** What every item of a stack file has. */
interface Item {
  /** Keys to it, e.g. `devices.disk` or `exports[0]`. */
  readonly path: string;
  /** Where it stands, as `file:line:column`. */
  readonly where: string;
  /** The same as a position in the text. */
  readonly offset: number;
}

/** A mapped device. */
export interface StackDevice extends Item {
  readonly kind: 'device';
  readonly name: string;
  /** Its table's text. */
  readonly table: string;
  /** The same, line by line. */
  readonly lines: readonly TableLine[];
  /** Absent: any will do. */
  readonly uuid?: string;
  readonly readOnly: boolean;
}

/** A filter on a device. */
export interface StackFilter extends Item {
  readonly kind: 'filter';
  readonly device: string;
  /** `TYPE[@ALTITUDE] ARGS` */
  readonly filter: string;
  readonly type: string;
  /** Absent: that of the type. */
  readonly altitude?: Altitude;
  /** The arguments. */
  readonly words: readonly string[];
}

/** A mapped device that stands in for a live one. */
export interface StackRemap extends Item {
  readonly kind: 'remap';
  readonly mapped: string;
  readonly device: string;
  /** Absent: the one that core takes. */
  readonly altitude?: Altitude;
}

/** A filter for devices that are new. */
export interface StackRule extends Item {
  readonly kind: 'rule';
  readonly pattern: string;
  /** `TYPE[@ALTITUDE] ARGS` */
  readonly filter: string;
}

/** A device that is served over NBD. */
export interface StackExport extends Item {
  readonly kind: 'export';
  readonly device: string;
  readonly name: string;
  /** The absolute path of a UNIX socket, or a TCP port. */
  readonly address: { readonly path: string } | { readonly port: number; readonly host: string };
  readonly readOnly: boolean;
  readonly description?: string;
  /** With absolute paths. */
  readonly settings: AllSettings;
}

/** Anything a stack file names. */
export type StackItem = StackDevice | StackFilter | StackRemap | StackRule | StackExport;

/** A stack file that was read and found to be sound. */
export interface Stack {
  /** The file as the user named it. */
  readonly file: string;
  /** Its folder, where relative paths in it start; absolute. */
  readonly directory: string;
  /** In the order of the file's sections: devices, filters, remaps, rules, exports. */
  readonly items: readonly StackItem[];
}
