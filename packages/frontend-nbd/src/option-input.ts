import { CLIENT_FLAGS_BYTES, decodeOptionHeader, OPTION_HEADER_BYTES } from '@interposer/nbd-protocol';

/** Data of an option up to this length are looked at. */
const LARGEST_KEPT = 64 * 1024;

/** Longer data are taken for an attack. */
const LARGEST_DROPPED = 32 * 2 ** 20;

/** Who acts on what comes in. */
export interface OptionTaker {
  /** No more should be taken now. */
  readonly blocked: boolean;
  /** The negotiation has ended. */
  readonly over: boolean;
  takeFlags(flags: number): void;
  /** Data of null: there were too many to keep. */
  takeOption(option: number, data: Buffer | null): void;
  cutOff(message: string): void;
}

/** Cuts what comes from a client in negotiation into its flags and its options. */
export class OptionInput {
  readonly #taker: OptionTaker;
  readonly #header: Buffer = Buffer.alloc(OPTION_HEADER_BYTES);
  #data: Buffer = Buffer.alloc(0);
  /** What is being gathered, and how many bytes of it there are and must be. */
  #stage: 'flags' | 'header' | 'data';
  #have = 0;
  #want: number;
  #option = 0;

  /** `flags` is false for a client that has sent them. */
  constructor(taker: OptionTaker, flags: boolean) {
    this.#taker = taker;
    this.#stage = flags ? 'flags' : 'header';
    this.#want = flags ? CLIENT_FLAGS_BYTES : OPTION_HEADER_BYTES;
  }

  /** Takes bytes from the client; answers where it stopped: at the end of the negotiation, or when blocked. */
  receive(buffer: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && !this.#taker.over && !this.#taker.blocked) {
      const bytes = Math.min(this.#want - this.#have, end - at);
      const into = this.#stage === 'data' ? this.#data : this.#header;
      // What is too long to be kept is counted only.
      if (this.#have < into.length) buffer.copy(into, this.#have, at, at + bytes);
      this.#have += bytes;
      at += bytes;
      if (this.#have === this.#want) this.#next();
    }
    return at;
  }

  #next(): void {
    if (this.#stage === 'data') this.#takeOption();
    else if (this.#stage === 'header') this.#takeHeader();
    else {
      this.#expect('header', OPTION_HEADER_BYTES);
      this.#taker.takeFlags(this.#header.readUInt32BE(0));
    }
  }

  #takeHeader(): void {
    const header = decodeOptionHeader(this.#header);
    if (header === null) {
      this.#taker.cutOff('an option without its magic number');
    } else if (header.length > LARGEST_DROPPED) {
      this.#taker.cutOff(`an option with ${String(header.length)} bytes of data`);
    } else {
      this.#option = header.option;
      this.#data = Buffer.alloc(Math.min(header.length, LARGEST_KEPT));
      this.#expect('data', header.length);
      if (header.length === 0) this.#takeOption();
    }
  }

  #takeOption(): void {
    const data = this.#want > LARGEST_KEPT ? null : this.#data;
    this.#expect('header', OPTION_HEADER_BYTES);
    this.#taker.takeOption(this.#option, data);
  }

  #expect(stage: 'header' | 'data', bytes: number): void {
    this.#stage = stage;
    this.#want = bytes;
    this.#have = 0;
  }
}
