import {
  CLIENT_FLAGS_BYTES,
  decodeOptionReplyHeader,
  encodeInfoRequest,
  encodeOption,
  GREETING_BYTES,
  HandshakeFlag,
  NbdCommand,
  NbdOption,
  OPTION_REPLY_HEADER_BYTES,
  OptionReply,
  REQUEST_BYTES,
  SIMPLE_REPLY_BYTES,
  SIMPLE_REPLY_MAGIC,
  writeRequest,
} from '@interposer/nbd-protocol';
import { connect, type Socket } from 'node:net';

export interface OptionAnswer {
  readonly type: number;
  readonly data: Buffer;
}

export interface Reply {
  readonly error: number;
  readonly data: Buffer;
}

/** A client that sends whatever a test wants to see refused. */
export class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #bytes = Buffer.alloc(0);
  #wake: () => void = () => undefined;
  #ended = false;
  #cookie = 0;
  readonly #asked = new Map<number, { bytes: number; resolve: (reply: Reply) => void }>();
  #pumping = false;

  /** Connects to a UNIX socket, or goes on with a connection. */
  constructor(place: string | Socket) {
    this.socket = typeof place === 'string' ? connect({ path: place, allowHalfOpen: true }) : place;
    this.socket.on('data', (piece) => {
      this.#bytes = Buffer.concat([this.#bytes, piece]);
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      const over = () => {
        this.#ended = true;
        this.#wake();
        resolve();
      };
      this.socket.on('end', over);
      this.socket.on('close', over);
    });
  }

  /** The next bytes; rejects when the connection ends before. */
  async read(count: number): Promise<Buffer> {
    while (this.#bytes.length < count) {
      if (this.#ended) throw new Error(`closed with ${this.#bytes.length} of ${count} bytes`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const bytes = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return bytes;
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  async greet(flags: number = HandshakeFlag.FixedNewstyle | HandshakeFlag.NoZeroes): Promise<Buffer> {
    const greeting = await this.read(GREETING_BYTES);
    const answer = Buffer.alloc(CLIENT_FLAGS_BYTES);
    answer.writeUInt32BE(flags);
    this.send(answer);
    return greeting;
  }

  async answer(option: number): Promise<OptionAnswer> {
    const header = decodeOptionReplyHeader(await this.read(OPTION_REPLY_HEADER_BYTES));
    if (header?.option !== option) throw new Error(`no reply to option ${option}`);
    return { type: header.type, data: await this.read(header.length) };
  }

  /** Sends an option; all its replies up to the ACK or error. */
  async option(option: number, data?: Buffer): Promise<OptionAnswer[]> {
    this.send(encodeOption(option, data));
    const answers: OptionAnswer[] = [];
    do answers.push(await this.answer(option));
    while (answers.at(-1)!.type > OptionReply.Ack && answers.at(-1)!.type < OptionReply.ErrUnsupported);
    return answers;
  }

  /** The whole handshake. */
  async go(name = ''): Promise<this> {
    await this.greet();
    return this.choose(name);
  }

  /** Ends the negotiation. */
  async choose(name = ''): Promise<this> {
    const answers = await this.option(NbdOption.Go, encodeInfoRequest({ name, types: [] }));
    if (answers.at(-1)!.type !== OptionReply.Ack) throw new Error(answers.at(-1)!.data.toString());
    return this;
  }

  /** An option without data that has to succeed. */
  async agree(option: number): Promise<void> {
    const answers = await this.option(option);
    if (answers.at(-1)!.type !== OptionReply.Ack) throw new Error(answers.at(-1)!.data.toString());
  }

  /** The bytes of a request, for tests that send them in their own way. */
  static frame(type: number, offset: number, length: number, flags = 0, cookie = 1): Buffer {
    const frame = Buffer.alloc(REQUEST_BYTES);
    writeRequest(frame, 0, type, flags, 0xfeedface, cookie, offset, length);
    return frame;
  }

  /** Sends a request and waits for its reply; several may be under way. */
  request(type: number, offset: number, length: number, flags = 0, data?: Buffer): Promise<Reply> {
    const cookie = ++this.#cookie;
    const frame = RawClient.frame(type, offset, length, flags, cookie);
    const reply = new Promise<Reply>((resolve) => {
      this.#asked.set(cookie, { bytes: type === NbdCommand.Read ? length : 0, resolve });
    });
    this.send(data === undefined ? frame : Buffer.concat([frame, data]));
    void this.#pump();
    return reply;
  }

  write(offset: number, data: Buffer, flags = 0): Promise<Reply> {
    return this.request(NbdCommand.Write, offset, data.length, flags, data);
  }

  async readAt(offset: number, length: number): Promise<Buffer> {
    const { error, data } = await this.request(NbdCommand.Read, offset, length);
    if (error !== 0) throw new Error(`read failed: ${error}`);
    return data;
  }

  close(): void {
    this.socket.destroy();
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#asked.size > 0) {
      const header = await this.read(SIMPLE_REPLY_BYTES).catch(() => null);
      if (header === null) break;
      const cookie = header.readUInt32BE(12);
      const asked = this.#asked.get(cookie);
      if (header.readUInt32BE(0) !== SIMPLE_REPLY_MAGIC || header.readUInt32BE(8) !== 0xfeedface || !asked)
        throw new Error(`a reply to nothing: ${header.toString('hex')}`);
      this.#asked.delete(cookie);
      const error = header.readUInt32BE(4);
      asked.resolve({ error, data: error === 0 ? await this.read(asked.bytes) : Buffer.alloc(0) });
    }
    for (const { resolve } of this.#asked.values()) resolve({ error: -1, data: Buffer.alloc(0) });
    this.#asked.clear();
    this.#pumping = false;
  }
}
