/** Where `dd` reads. Positions are bytes. */
export interface Source {
  readonly name: string;
  /** Up to so many bytes; fewer at the end or before an error; none: the end. Throws the error when it is next. */
  read(length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Where `dd` writes. */
export interface Destination {
  readonly name: string;
  /** Writes all of it and answers its length, or a smaller number where the device ends. */
  write(data: Uint8Array): Promise<number>;
  /** Makes what was written stable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
