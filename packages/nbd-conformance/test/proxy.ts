import {
  decodeOptionHeader,
  decodeOptionReplyHeader,
  encodeOption,
  encodeOptionReply,
  EXTENDED_REPLY_MAGIC,
  EXTENDED_REQUEST_MAGIC,
  NbdCommand,
  NbdOption,
  SIMPLE_REPLY_MAGIC,
} from '@interposer/nbd-protocol';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { later, temporaryFolder } from '../../../tools/temporary.ts';
import { type Answer, encodeAnswer, encodeRequest, type Request } from './proxy-messages.ts';

/** A reply to an option. */
export interface OptionReplyMessage {
  option: number;
  type: number;
  data: Buffer;
}

/** What a proxy does to a conversation. Each part that is absent leaves things as they are. */
export interface Faults {
  greeting?(bytes: Buffer): Buffer;
  clientFlags?(flags: number): number;
  /** Data for the server, or `close`, or what the client gets without the server being asked. */
  option?(option: number, data: Buffer): Buffer | 'close' | OptionReplyMessage;
  optionReply?(reply: OptionReplyMessage): OptionReplyMessage[];
  exportName?(reply: Buffer): Buffer;
  /** Sent to the client behind the ACK of GO. */
  readonly afterGo?: Buffer;
  /** The request for the server, or `close`, or what the client gets without the server being asked. */
  request?(request: Request): Request | 'close' | Answer;
  answer?(answer: Answer, request: Request | undefined): Answer[];
}

/** Listens at the path that it resolves with, in front of the server at another. */
export async function proxy(server: string, faults: Faults): Promise<string> {
  const path = join(await temporaryFolder(), 'proxy.sock');
  const links = new Set<Socket>();
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const link = connect({ path: server, allowHalfOpen: true });
    links.add(client).add(link);
    new Relay(client, link, faults).start();
  });
  await new Promise<void>((resolve) => listener.listen(path, resolve));
  later(() => {
    for (const link of links) link.destroy();
    return new Promise((resolve) => listener.close(resolve));
  });
  return path;
}

/** Collects bytes until a message is complete. */
class Input {
  bytes: Buffer = Buffer.alloc(0);

  add(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, chunk]);
  }

  take(length: number): Buffer {
    const part = this.bytes.subarray(0, length);
    this.bytes = this.bytes.subarray(length);
    return part;
  }
}

type Phase = 'start' | 'options' | 'export-name' | 'transmission';

class Relay {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #faults: Faults;
  readonly #up = new Input();
  readonly #down = new Input();
  readonly #requests = new Map<bigint, Request>();
  #upPhase: Phase = 'start';
  #downPhase: Phase = 'start';
  #padded = false;

  constructor(client: Socket, server: Socket, faults: Faults) {
    this.#client = client;
    this.#server = server;
    this.#faults = faults;
  }

  start(): void {
    this.#client.on('data', (chunk: Buffer) => {
      this.#up.add(chunk);
      while (this.#clientMessage());
    });
    this.#server.on('data', (chunk: Buffer) => {
      this.#down.add(chunk);
      while (this.#serverMessage());
    });
    this.#client.on('end', () => this.#server.end());
    this.#server.on('end', () => this.#client.end());
    for (const [one, other] of [
      [this.#client, this.#server],
      [this.#server, this.#client],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => other.destroySoon());
    }
  }

  /** Passes one message of the client on; false if none is complete. */
  #clientMessage(): boolean {
    if (this.#upPhase === 'start') return this.#clientFlags();
    return this.#upPhase === 'options' ? this.#option() : this.#request();
  }

  #clientFlags(): boolean {
    if (this.#up.bytes.length < 4) return false;
    const flags = this.#up.take(4).readUInt32BE(0);
    this.#padded = (flags & 2) === 0;
    const passed = Buffer.alloc(4);
    passed.writeUInt32BE((this.#faults.clientFlags?.(flags) ?? flags) >>> 0, 0);
    this.#server.write(passed);
    this.#upPhase = 'options';
    return true;
  }

  #option(): boolean {
    const { bytes } = this.#up;
    const header = bytes.length < 16 ? null : decodeOptionHeader(bytes.subarray(0, 16));
    if (header === null || bytes.length < 16 + header.length) return false;
    const data = Buffer.from(this.#up.take(16 + header.length).subarray(16));
    const passed = this.#faults.option?.(header.option, data) ?? data;
    if (passed === 'close') this.#close();
    else if (Buffer.isBuffer(passed)) this.#server.write(encodeOption(header.option, passed));
    else this.#client.write(encodeOptionReply(passed.option, passed.type, passed.data));
    if (header.option !== NbdOption.ExportName) return true;
    this.#upPhase = 'transmission';
    this.#downPhase = 'export-name';
    return true;
  }

  #request(): boolean {
    const { bytes } = this.#up;
    if (bytes.length < 28) return false;
    const extended = bytes.readUInt32BE(0) === EXTENDED_REQUEST_MAGIC;
    const head = extended ? 32 : 28;
    if (bytes.length < head) return false;
    const [flags, type] = [bytes.readUInt16BE(4), bytes.readUInt16BE(6)];
    const length = extended ? bytes.readBigUInt64BE(24) : BigInt(bytes.readUInt32BE(24));
    const payload = (extended ? (flags & 0x20) !== 0 : type === NbdCommand.Write) ? Number(length) : 0;
    if (bytes.length < head + payload) return false;
    const raw = this.#up.take(head + payload);
    const [cookie, offset] = [raw.readBigUInt64BE(8), raw.readBigUInt64BE(16)];
    const request: Request = { flags, type, cookie, offset, length, data: raw.subarray(head) };
    this.#requests.set(cookie, { ...request });
    const passed = this.#faults.request?.({ ...request }) ?? request;
    if (passed === 'close') this.#close();
    else if ('kind' in passed) this.#client.write(encodeAnswer(passed));
    else this.#server.write(encodeRequest(passed, raw.subarray(0, head), extended));
    return true;
  }

  /** Passes one message of the server on; false if none is complete. */
  #serverMessage(): boolean {
    switch (this.#downPhase) {
      case 'start': {
        if (this.#down.bytes.length < 18) return false;
        const greeting = Buffer.from(this.#down.take(18));
        this.#client.write(this.#faults.greeting?.(greeting) ?? greeting);
        this.#downPhase = 'options';
        return true;
      }
      case 'options':
        return this.#optionReply();
      case 'export-name': {
        const length = this.#padded ? 134 : 10;
        if (this.#down.bytes.length < length) return false;
        const reply = Buffer.from(this.#down.take(length));
        this.#client.write(this.#faults.exportName?.(reply) ?? reply);
        this.#downPhase = 'transmission';
        return true;
      }
      case 'transmission':
        return this.#answer();
    }
  }

  #optionReply(): boolean {
    const { bytes } = this.#down;
    const header = bytes.length < 20 ? null : decodeOptionReplyHeader(bytes.subarray(0, 20));
    if (header === null || bytes.length < 20 + header.length) return false;
    const data = Buffer.from(this.#down.take(20 + header.length).subarray(20));
    const { option, type } = header;
    for (const reply of this.#faults.optionReply?.({ option, type, data }) ?? [{ option, type, data }]) {
      this.#client.write(encodeOptionReply(reply.option, reply.type, reply.data));
    }
    if (option === NbdOption.Go && type === 1) {
      this.#client.write(this.#faults.afterGo ?? Buffer.alloc(0));
      this.#upPhase = 'transmission';
      this.#downPhase = 'transmission';
    }
    return true;
  }

  #answer(): boolean {
    const answer = this.#takeAnswer();
    if (answer === null) return false;
    const request = this.#requests.get(answer.cookie);
    for (const passed of this.#faults.answer?.({ ...answer }, request) ?? [answer]) {
      this.#client.write(encodeAnswer(passed));
    }
    return true;
  }

  #takeAnswer(): Answer | null {
    const { bytes } = this.#down;
    if (bytes.length < 16) return null;
    const magic = bytes.readUInt32BE(0);
    const common = { flags: bytes.readUInt16BE(4), type: bytes.readUInt16BE(6), error: 0, offset: 0n };
    const cookie = bytes.readBigUInt64BE(8);
    if (magic === SIMPLE_REPLY_MAGIC) {
      const error = bytes.readUInt32BE(4);
      const request = this.#requests.get(cookie);
      const length = request?.type === NbdCommand.Read && error === 0 ? Number(request.length) : 0;
      if (bytes.length < 16 + length) return null;
      return { ...common, kind: 'simple', cookie, error, payload: this.#down.take(16 + length).subarray(16) };
    }
    const extended = magic === EXTENDED_REPLY_MAGIC;
    const head = extended ? 32 : 20;
    if (bytes.length < head) return null;
    const length = extended ? Number(bytes.readBigUInt64BE(24)) : bytes.readUInt32BE(16);
    if (bytes.length < head + length) return null;
    const offset = extended ? bytes.readBigUInt64BE(16) : 0n;
    const payload = Buffer.from(this.#down.take(head + length).subarray(head));
    return { ...common, kind: extended ? 'extended' : 'structured', cookie, offset, payload };
  }

  #close(): void {
    this.#client.destroySoon();
    this.#server.destroy();
  }
}
