import {
  CLIENT_FLAGS_BYTES,
  type ChunkType,
  decodeContextRequest,
  encodeChunk,
  encodeContextReply,
  encodeExportInfo,
  encodeExportNameReply,
  encodeGreeting,
  encodeOptionReply,
  EXTENDED_REQUEST_BYTES,
  NbdCommand,
  NbdOption,
  OPTION_HEADER_BYTES,
  OptionReply,
  readU64,
  REQUEST_BYTES,
  RequestField,
  SIMPLE_REPLY_BYTES,
  TransmissionFlag,
  writeSimpleReply,
} from '@interposer/nbd-protocol';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A request as it arrived. */
export interface Arrived {
  readonly command: number;
  readonly flags: number;
  readonly offset: number;
  readonly length: number;
  readonly frame: Buffer;
  readonly data: Buffer;
  /** Which connection it came over, counted from 0. */
  readonly link: number;
}

export interface FakeOptions {
  readonly size?: number;
  readonly flags?: number;
  readonly blockSizes?: { readonly minimum: number; readonly preferred: number; readonly maximum: number };
  readonly greeting?: Buffer;
  /** What GO is answered with, in place of the export. */
  readonly go?: (answer: (type: number, data?: Buffer) => void) => void;
  /** `simple` by default. */
  readonly headers?: 'simple' | 'structured' | 'extended';
  /** The id of base:allocation; absent: there is no such context. */
  readonly allocation?: number;
  /** Refusals of options, by number. */
  readonly refuse?: Readonly<Record<number, number>>;
}

export const ALL_FLAGS =
  TransmissionFlag.HasFlags |
  TransmissionFlag.SendFlush |
  TransmissionFlag.SendFua |
  TransmissionFlag.SendTrim |
  TransmissionFlag.SendWriteZeroes;

/** A server that does as a test says: requests are kept until the test answers them. It can be cut and served anew. */
export class FakeServer {
  readonly requests: Arrived[] = [];
  /** Options in the order of their coming. */
  readonly options: number[] = [];
  path = '';
  closedByClient = false;
  /** What the next connection finds. */
  serves: FakeOptions;
  readonly links: Socket[] = [];
  readonly #server: Server;
  #folder = '';
  #wakes: (() => void)[] = [];

  constructor(serves: FakeOptions) {
    this.serves = serves;
    this.#server = createServer((socket) => {
      const link = this.links.push(socket) - 1;
      socket.on('error', () => undefined);
      void this.#serve(socket, link).catch(() => {
        this.closedByClient = true;
        this.#wake();
        socket.destroy();
      });
    });
  }

  get uri(): string {
    return `nbd+unix:///x?socket=${this.path}`;
  }

  async start(): Promise<this> {
    if (this.path === '') {
      this.#folder = await mkdtemp(join(tmpdir(), 'interposer-nbd-'));
      this.path = join(this.#folder, 'nbd.sock');
    }
    await new Promise<void>((resolve) => this.#server.listen(this.path, resolve));
    return this;
  }

  /** Nobody is let in any more, until `start`; who is there stays. */
  stopListening(): void {
    this.#server.close();
  }

  async stop(): Promise<void> {
    this.cut();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true });
  }

  /** Resolves when so many requests have arrived and were not taken yet, and takes them. */
  async take(count: number): Promise<Arrived[]> {
    await this.until(() => this.requests.length >= count);
    return this.requests.splice(0, count);
  }

  /** Resolves when a client has gone. */
  gone(): Promise<void> {
    return this.until(() => this.closedByClient);
  }

  /** Resolves when something has come that makes it true. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#wakes.push(resolve));
  }

  reply(request: Arrived, error = 0, data: Buffer = Buffer.alloc(0)): void {
    const header = Buffer.alloc(SIMPLE_REPLY_BYTES);
    writeSimpleReply(header, 0, error, request.frame, RequestField.Cookie);
    this.send(Buffer.concat([header, data]), request.link);
  }

  chunk(
    request: Arrived,
    type: (typeof ChunkType)[keyof typeof ChunkType],
    payload?: Buffer,
    done = true,
  ): void {
    this.send(chunkOf(request, type, payload, done), request.link);
  }

  send(bytes: Buffer, link: number = this.links.length - 1): void {
    this.links[link]!.write(bytes);
  }

  cut(): void {
    for (const link of this.links) link.destroy();
  }

  #wake(): void {
    const wakes = this.#wakes;
    this.#wakes = [];
    for (const wake of wakes) wake();
  }

  async #serve(socket: Socket, link: number): Promise<void> {
    const { serves } = this;
    const read = reader(socket);
    socket.write(serves.greeting ?? encodeGreeting(3));
    const clientFlags = (await read(CLIENT_FLAGS_BYTES)).readUInt32BE(0);
    while (!(await this.#negotiate(socket, read, serves, (clientFlags & 2) === 0)));
    this.#wake();
    const extended = serves.headers === 'extended';
    for (;;) {
      const frame = await read(extended ? EXTENDED_REQUEST_BYTES : REQUEST_BYTES);
      const command = frame.readUInt16BE(RequestField.Type);
      const length = extended ? readU64(frame, RequestField.Length) : frame.readUInt32BE(RequestField.Length);
      this.requests.push({
        command,
        flags: frame.readUInt16BE(RequestField.Flags),
        offset: readU64(frame, RequestField.Offset),
        length,
        frame,
        data: command === NbdCommand.Write ? await read(length) : Buffer.alloc(0),
        link,
      });
      this.#wake();
    }
  }

  async #negotiate(
    socket: Socket,
    read: (count: number) => Promise<Buffer>,
    serves: FakeOptions,
    padded: boolean,
  ): Promise<boolean> {
    const header = await read(OPTION_HEADER_BYTES);
    const option = header.readUInt32BE(8);
    const data = await read(header.readUInt32BE(12));
    this.options.push(option);
    this.#wake();
    const { size = 2 ** 20, flags = ALL_FLAGS, blockSizes, go, refuse = {} } = serves;
    if (option === NbdOption.ExportName) {
      socket.write(encodeExportNameReply(size, flags, padded));
      return true;
    }
    const state = { done: false };
    const answer = (type: number, payload?: Buffer): void => {
      socket.write(encodeOptionReply(option, type, payload));
      state.done = type === OptionReply.Ack;
    };
    if (refuse[option] !== undefined) answer(refuse[option], Buffer.from('as the test says'));
    else if (option !== NbdOption.Go) answerOption(option, data, serves, answer);
    else if (go !== undefined) go(answer);
    else {
      answer(OptionReply.Info, encodeExportInfo({ type: 'export', size, flags }));
      if (blockSizes !== undefined)
        answer(OptionReply.Info, encodeExportInfo({ type: 'block-size', ...blockSizes }));
      answer(OptionReply.Ack);
    }
    return state.done && option === NbdOption.Go;
  }
}

function answerOption(
  option: number,
  data: Buffer,
  { headers, allocation }: FakeOptions,
  answer: (type: number, data?: Buffer) => void,
): void {
  const isKnown =
    (option === NbdOption.ExtendedHeaders && headers === 'extended') ||
    (option === NbdOption.StructuredReply && headers === 'structured') ||
    (option === NbdOption.SetMetaContext && headers !== undefined && headers !== 'simple');
  if (isKnown && option === NbdOption.SetMetaContext && allocation !== undefined) {
    const [name = ''] = decodeContextRequest(data)?.queries ?? [];
    answer(OptionReply.MetaContext, encodeContextReply({ id: allocation, name }));
  }
  answer(isKnown ? OptionReply.Ack : OptionReply.ErrUnsupported);
}

/** A chunk of the answer to a request: extended where the request is. */
export function chunkOf(
  request: Arrived,
  type: number,
  payload: Buffer = Buffer.alloc(0),
  done = true,
): Buffer {
  const { frame, offset } = request;
  const extended = frame.length === EXTENDED_REQUEST_BYTES;
  return encodeChunk(
    {
      flags: done ? 1 : 0,
      type,
      cookieHigh: frame.readUInt32BE(RequestField.Cookie),
      cookieLow: frame.readUInt32BE(RequestField.Cookie + 4),
      ...(extended ? { offset } : {}),
    },
    payload,
  );
}

/** Payload of an OFFSET_DATA chunk. */
export function dataAt(offset: number, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(BigInt(offset));
  return Buffer.concat([head, data]);
}

/** Payload of an OFFSET_HOLE chunk. */
export function holeAt(offset: number, length: number): Buffer {
  const payload = Buffer.alloc(12);
  payload.writeBigUInt64BE(BigInt(offset));
  payload.writeUInt32BE(length, 8);
  return payload;
}

function reader(socket: Socket): (count: number) => Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  let ended = false;
  let wake: () => void = () => undefined;
  socket.on('data', (piece) => {
    bytes = Buffer.concat([bytes, piece]);
    wake();
  });
  socket.on('close', () => {
    ended = true;
    wake();
  });
  return async (count) => {
    while (bytes.length < count) {
      if (ended) throw new Error('closed');
      await new Promise<void>((resolve) => (wake = resolve));
    }
    const taken = bytes.subarray(0, count);
    bytes = bytes.subarray(count);
    return taken;
  };
}
