import {
  CLIENT_FLAGS_BYTES,
  decodeInfoRequest,
  decodeOptionHeader,
  decodeText,
  encodeExportInfo,
  encodeExportNameReply,
  encodeGreeting,
  encodeOptionReply,
  encodeServerReply,
  HandshakeFlag,
  InfoType,
  NbdOption,
  OPTION_HEADER_BYTES,
  OptionReply,
} from '@interposer/nbd-protocol';
import type { Export } from './export.ts';

const OFFERED: number = HandshakeFlag.FixedNewstyle | HandshakeFlag.NoZeroes;

/** Data of an option up to this length are looked at. */
const LARGEST_KEPT = 64 * 1024;

/** Longer data are taken for an attack. */
const LARGEST_DROPPED = 32 * 2 ** 20;

/** What a negotiation needs of the connection it belongs to. */
export interface NegotiationHost {
  /** So much is not sent yet that no further option should be answered. */
  readonly blocked: boolean;
  /** The export that a client means by a name. */
  find(name: string): Export | undefined;
  list(): readonly Export[];
  send(bytes: Buffer): void;
  /** The client broke the protocol, or asked in a way that has no error reply: no more of it. */
  violation(message: string): void;
  /** Sends what is to be sent and closes. */
  hangUp(): void;
  /** The client chose. */
  transmit(exported: Export): void;
}

/** The first phase of a connection: fixed newstyle negotiation, doc/proto.md, "Handshake". */
export class Negotiation {
  readonly #host: NegotiationHost;
  readonly #header: Buffer = Buffer.alloc(OPTION_HEADER_BYTES);
  #data: Buffer = Buffer.alloc(0);
  /** What is being gathered, and how many bytes of it there are and must be. */
  #stage: 'flags' | 'header' | 'data' = 'flags';
  #have = 0;
  #want: number = CLIENT_FLAGS_BYTES;
  #clientFlags = 0;
  #option = 0;
  #over = false;

  constructor(host: NegotiationHost) {
    this.#host = host;
    host.send(encodeGreeting(OFFERED));
  }

  /** Takes bytes from the client; answers where it stopped: at the end of the negotiation, or when blocked. */
  receive(buffer: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && !this.#over && !this.#host.blocked) {
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

  #expect(stage: 'header' | 'data', bytes: number): void {
    this.#stage = stage;
    this.#have = 0;
    this.#want = bytes;
  }

  #next(): void {
    if (this.#stage === 'flags') this.#takeFlags();
    else if (this.#stage === 'header') this.#takeHeader();
    else this.#takeOption();
  }

  #takeFlags(): void {
    this.#clientFlags = this.#header.readUInt32BE(0);
    if ((this.#clientFlags & ~OFFERED) !== 0) this.#cutOff('client flags that were not offered');
    else this.#expect('header', OPTION_HEADER_BYTES);
  }

  #takeHeader(): void {
    const header = decodeOptionHeader(this.#header);
    if (header === null) {
      this.#cutOff('an option without its magic number');
    } else if (header.length > LARGEST_DROPPED) {
      this.#cutOff(`an option with ${String(header.length)} bytes of data`);
    } else {
      this.#option = header.option;
      this.#data = Buffer.alloc(Math.min(header.length, LARGEST_KEPT));
      this.#expect('data', header.length);
      if (header.length === 0) this.#takeOption();
    }
  }

  #takeOption(): void {
    const option = this.#option;
    const tooBig = this.#want > LARGEST_KEPT;
    const data = this.#data;
    this.#expect('header', OPTION_HEADER_BYTES);
    if (option === NbdOption.ExportName) {
      this.#exportName(data);
    } else if (option === NbdOption.Abort) {
      this.#over = true;
      this.#reply(OptionReply.Ack);
      this.#host.hangUp();
    } else if ((this.#clientFlags & HandshakeFlag.FixedNewstyle) === 0) {
      this.#refuse(OptionReply.ErrInvalid, 'this option takes a client of the fixed newstyle');
    } else if (option === NbdOption.List) {
      this.#list(data);
    } else if (option === NbdOption.Info || option === NbdOption.Go) {
      this.#info(tooBig ? null : data);
    } else {
      this.#refuse(OptionReply.ErrUnsupported, `option ${String(option)} is not known here`);
    }
  }

  #exportName(data: Buffer): void {
    const name = decodeText(data);
    const exported = name === null ? undefined : this.#host.find(name);
    if (exported === undefined) {
      this.#cutOff('there is no export of the name that was asked for');
      return;
    }
    const padded = (this.#clientFlags & HandshakeFlag.NoZeroes) === 0;
    this.#host.send(encodeExportNameReply(exported.size, exported.flags, padded));
    this.#choose(exported);
  }

  #list(data: Buffer): void {
    if (data.length > 0) {
      this.#refuse(OptionReply.ErrInvalid, 'LIST takes no data');
      return;
    }
    for (const { name, description } of this.#host.list()) {
      this.#reply(OptionReply.Server, encodeServerReply(name, description));
    }
    this.#reply(OptionReply.Ack);
  }

  #info(data: Buffer | null): void {
    const request = data === null ? null : decodeInfoRequest(data);
    if (request === null) {
      this.#refuse(
        OptionReply.ErrInvalid,
        'the parts of the option do not add up, or the name is not allowed',
      );
      return;
    }
    const exported = this.#host.find(request.name);
    if (exported === undefined) {
      this.#refuse(OptionReply.ErrUnknown, `there is no export "${request.name}"`);
      return;
    }
    this.#describe(exported, new Set(request.types));
    this.#reply(OptionReply.Ack);
    if (this.#option === NbdOption.Go) this.#choose(exported);
  }

  /** Size and block sizes always, the rest when asked for. */
  #describe(exported: Export, types: ReadonlySet<number>): void {
    const { name, description, size, flags } = exported;
    this.#reply(OptionReply.Info, encodeExportInfo({ type: 'export', size, flags }));
    this.#reply(OptionReply.Info, encodeExportInfo({ type: 'block-size', ...exported.blockSizes }));
    if (types.has(InfoType.Name))
      this.#reply(OptionReply.Info, encodeExportInfo({ type: 'name', text: name }));
    if (types.has(InfoType.Description) && description !== '') {
      this.#reply(OptionReply.Info, encodeExportInfo({ type: 'description', text: description }));
    }
  }

  #choose(exported: Export): void {
    this.#over = true;
    this.#host.transmit(exported);
  }

  #cutOff(message: string): void {
    this.#over = true;
    this.#host.violation(message);
  }

  #refuse(type: number, message: string): void {
    this.#reply(type, Buffer.from(message));
  }

  #reply(type: number, data?: Buffer): void {
    this.#host.send(encodeOptionReply(this.#option, type, data));
  }
}
