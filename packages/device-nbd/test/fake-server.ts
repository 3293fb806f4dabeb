import {
  CLIENT_FLAGS_BYTES,
  encodeExportInfo,
  encodeExportNameReply,
  encodeGreeting,
  encodeOptionReply,
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
}

export interface FakeOptions {
  readonly size?: number;
  readonly flags?: number;
  readonly blockSizes?: { readonly minimum: number; readonly preferred: number; readonly maximum: number };
  readonly greeting?: Buffer;
  /** What GO is answered with, in place of the export. */
  readonly go?: (answer: (type: number, data?: Buffer) => void) => void;
}

export const ALL_FLAGS =
  TransmissionFlag.HasFlags |
  TransmissionFlag.SendFlush |
  TransmissionFlag.SendFua |
  TransmissionFlag.SendTrim |
  TransmissionFlag.SendWriteZeroes;

/** A server that does as a test says: requests are kept until the test answers them. */
export class FakeServer {
  readonly requests: Arrived[] = [];
  /** Options in the order of their coming. */
  readonly options: number[] = [];
  path = '';
  closedByClient = false;
  readonly #options: FakeOptions;
  readonly #server: Server;
  #folder = '';
  #socket: Socket | null = null;
  #wake: () => void = () => undefined;

  constructor(options: FakeOptions) {
    this.#options = options;
    this.#server = createServer((socket) => {
      this.#socket = socket;
      socket.on('error', () => undefined);
      void this.#serve(socket).catch(() => {
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
    this.#folder = await mkdtemp(join(tmpdir(), 'interposer-nbd-'));
    this.path = join(this.#folder, 'nbd.sock');
    await new Promise<void>((resolve) => this.#server.listen(this.path, resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#socket?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true });
  }

  /** Resolves when so many requests have arrived and were not taken yet, and takes them. */
  async take(count: number): Promise<Arrived[]> {
    while (this.requests.length < count && !this.closedByClient) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.requests.splice(0, count);
  }

  /** Resolves when the client has gone. */
  async gone(): Promise<void> {
    while (!this.closedByClient) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  reply(request: Arrived, error = 0, data: Buffer = Buffer.alloc(0)): void {
    const header = Buffer.alloc(SIMPLE_REPLY_BYTES);
    writeSimpleReply(header, 0, error, request.frame, RequestField.Cookie);
    this.send(Buffer.concat([header, data]));
  }

  send(bytes: Buffer): void {
    this.#socket!.write(bytes);
  }

  cut(): void {
    this.#socket!.destroy();
  }

  async #serve(socket: Socket): Promise<void> {
    const read = reader(socket);
    socket.write(this.#options.greeting ?? encodeGreeting(3));
    const clientFlags = (await read(CLIENT_FLAGS_BYTES)).readUInt32BE(0);
    while (!(await this.#negotiate(socket, read, (clientFlags & 2) === 0)));
    for (;;) {
      const frame = await read(REQUEST_BYTES);
      const command = frame.readUInt16BE(RequestField.Type);
      const length = frame.readUInt32BE(RequestField.Length);
      this.requests.push({
        command,
        flags: frame.readUInt16BE(RequestField.Flags),
        offset: readU64(frame, RequestField.Offset),
        length,
        frame,
        data: command === NbdCommand.Write ? await read(length) : Buffer.alloc(0),
      });
      this.#wake();
    }
  }

  async #negotiate(
    socket: Socket,
    read: (count: number) => Promise<Buffer>,
    padded: boolean,
  ): Promise<boolean> {
    const header = await read(OPTION_HEADER_BYTES);
    const option = header.readUInt32BE(8);
    await read(header.readUInt32BE(12));
    this.options.push(option);
    const { size = 2 ** 20, flags = ALL_FLAGS, blockSizes, go } = this.#options;
    if (option === NbdOption.ExportName) {
      socket.write(encodeExportNameReply(size, flags, padded));
      return true;
    }
    let done = false;
    const answer = (type: number, data?: Buffer): void => {
      socket.write(encodeOptionReply(option, type, data));
      done = type === OptionReply.Ack;
    };
    if (go !== undefined) {
      go(answer);
      return done;
    }
    answer(OptionReply.Info, encodeExportInfo({ type: 'export', size, flags }));
    if (blockSizes !== undefined)
      answer(OptionReply.Info, encodeExportInfo({ type: 'block-size', ...blockSizes }));
    answer(OptionReply.Ack);
    return true;
  }
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
