/** The shape that the schema of stack files allows. Booleans and numbers may be texts: a variable stood there. */
export interface RawStack {
  readonly devices?: Readonly<
    Record<
      string,
      {
        readonly table: string | readonly string[];
        readonly uuid?: string;
        readonly readOnly?: boolean | string;
      }
    >
  >;
  readonly filters?: Readonly<Record<string, readonly string[]>>;
  readonly remaps?: Readonly<
    Record<string, string | { readonly device: string; readonly altitude?: string | number }>
  >;
  readonly rules?: readonly { readonly pattern: string; readonly filter: string }[];
  readonly exports?: readonly RawExport[];
}

/** An item of `exports`. */
export interface RawExport {
  readonly device: string;
  readonly name?: string;
  readonly unix?: string;
  readonly port?: number | string;
  readonly host?: string;
  readonly readOnly?: boolean | string;
  readonly description?: string;
  readonly allow?: readonly string[];
  readonly blockSizes?: {
    readonly minimum?: number;
    readonly preferred?: number;
    readonly maximum?: number;
    readonly strict?: boolean | string;
  };
  readonly maxConnections?: number;
  readonly tls?: {
    readonly mode: 'off' | 'on' | 'require';
    readonly certificates?: string;
    readonly psk?: string;
    readonly verifyPeer?: boolean | string;
  };
  /** Seconds. */
  readonly idleTimeout?: number;
  /** Octal digits. */
  readonly mode?: string;
  readonly group?: string;
}
