/** IVs of sectors, one after the other, as words of the machine and as bytes. */
export class IvTable {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;

  /** `bytes`: room. `offset`: in the buffer, if it is given. */
  constructor(bytes: number, buffer: ArrayBuffer = new ArrayBuffer(bytes), offset: number = 0) {
    this.words = new Int32Array(buffer, offset, bytes / 4);
    this.bytes = new Uint8Array(buffer, offset, bytes);
  }
}
