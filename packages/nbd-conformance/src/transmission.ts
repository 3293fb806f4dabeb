import {
  type BlockSizes,
  ChunkFlag,
  CommandFlag,
  type ContextReply,
  EXTENDED_REPLY_MAGIC,
  NbdCommand,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from '@interposer/nbd-protocol';
import { chunkName, commandName, errorName, hex } from './names.ts';
import { expect, Violation } from './rule.ts';
import { assemble, type Chunk, errorOf, type Reply } from './reply.ts';
import { type Command, cookieText, describeRequest, encodeRequest, type Mode, type Sent } from './request.ts';
import type { Transcript } from './transcript.ts';
import type { Wire } from './wire.ts';

/** What was agreed on in the handshake. */
export interface Agreed {
  readonly size: number;
  /** Bits of `TransmissionFlag`. */
  readonly flags: number;
  /** What the server said, null if it said nothing. */
  readonly blockSizes: BlockSizes | null;
  readonly mode: Mode;
  readonly contexts: readonly ContextReply[];
}

/** Bytes of one chunk that are taken for an answer and not for a mistake. */
const CHUNK_LIMIT = 2 ** 27;

interface Pending {
  readonly request: Sent;
  readonly chunks: Chunk[];
}

/** A connection in the transmission phase. */
export class Transmission {
  readonly wire: Wire;
  readonly agreed: Agreed;
  readonly #transcript: Transcript;
  readonly #pending = new Map<bigint, Pending>();
  readonly #done = new Map<bigint, Reply>();
  #lastCookie = 0x1d0n;

  constructor(wire: Wire, transcript: Transcript, agreed: Agreed) {
    this.wire = wire;
    this.#transcript = transcript;
    this.agreed = agreed;
  }

  /** Sends a request, of which the answer is awaited. */
  request(command: Command): Sent {
    const sent = this.#prepare(command);
    this.send(encodeRequest(sent, this.agreed.mode, command.data), describeRequest(sent));
    return sent;
  }

  /** Sends a request byte by byte. */
  requestInPieces(command: Command): Sent {
    const sent = this.#prepare(command);
    const bytes = encodeRequest(sent, this.agreed.mode, command.data);
    for (const byte of bytes) this.wire.send(Buffer.of(byte));
    this.#transcript.sent(`${describeRequest(sent)}, byte by byte`);
    return sent;
  }

  /** The request as it will be sent, with a cookie of its own unless it has one. */
  #prepare({ type, flags = 0, offset = 0, length, cookie, data }: Command): Sent {
    const payload = data !== undefined && this.agreed.mode === 'extended' ? CommandFlag.PayloadLength : 0;
    const sent = {
      type,
      flags: flags | payload,
      offset: BigInt(offset),
      length: BigInt(length ?? data?.length ?? 0),
      cookie: cookie ?? ++this.#lastCookie,
    };
    this.#pending.set(sent.cookie, { request: sent, chunks: [] });
    return sent;
  }

  send(bytes: Buffer, what: string): void {
    this.#transcript.sent(what);
    this.wire.send(bytes);
  }

  /** The answer to a request; answers to others that come before are kept for them. */
  async reply({ cookie, type }: Sent): Promise<Reply> {
    for (;;) {
      const reply = this.#done.get(cookie);
      if (reply !== undefined) {
        this.#done.delete(cookie);
        return reply;
      }
      await this.#receive(commandName(type));
    }
  }

  /** Sends a request and waits for the answer. */
  command(command: Command): Promise<Reply> {
    return this.reply(this.request(command));
  }

  /** Reads; `Violation` unless it succeeds. */
  async read(offset: number, length: number, flags = 0): Promise<Buffer> {
    const reply = await this.command({ type: NbdCommand.Read, offset, length, flags });
    expect(
      reply.data !== null,
      `READ of ${String(length)} bytes at ${String(offset)} fails with ${errorName(reply.error)}`,
    );
    return reply.data;
  }

  /** `Violation` unless the command succeeds. */
  async succeed(command: Command): Promise<Reply> {
    const reply = await this.command(command);
    expect(reply.error === 0, `${describeRequest(reply.request)} fails with ${errorName(reply.error)}`);
    return reply;
  }

  /** `Violation` unless the command fails with one of these errors. */
  async fail(command: Command, ...errors: readonly number[]): Promise<Reply> {
    const reply = await this.command(command);
    expect(
      errors.includes(reply.error),
      `${describeRequest(reply.request)} is answered with ${errorName(reply.error)}, not with ${errors.map(errorName).join(' or ')}`,
    );
    return reply;
  }

  /** `Violation` unless the server closes the connection and sends nothing before. */
  async closed(what: string): Promise<void> {
    expect(await this.wire.closed(what), `the server sends bytes ${what} instead of closing the connection`);
  }

  async #receive(what: string): Promise<void> {
    const magic = (await this.wire.take(4, `a reply to ${what}`)).readUInt32BE(0);
    if (magic === SIMPLE_REPLY_MAGIC) return this.#simple();
    const extended = magic === EXTENDED_REPLY_MAGIC && this.agreed.mode === 'extended';
    if (extended || magic === STRUCTURED_REPLY_MAGIC) return this.#chunk(extended);
    this.#transcript.came(`0x${magic.toString(16)}...`);
    throw new Violation(`0x${magic.toString(16)} starts no kind of reply that was agreed on`);
  }

  async #simple(): Promise<void> {
    const rest = await this.wire.take(12, 'the rest of a simple reply');
    const error = rest.readUInt32BE(0);
    this.#transcript.came(`simple reply ${cookieText(rest.readBigUInt64BE(4))}, ${errorName(error)}`);
    const { request } = this.#find(rest.readBigUInt64BE(4));
    const reads = request.type === NbdCommand.Read && error === 0;
    const data = reads ? await this.wire.take(Number(request.length), 'the data of a READ') : null;
    this.#finish({ request, simple: true, error, chunks: [], data });
  }

  async #chunk(extended: boolean): Promise<void> {
    const rest = await this.wire.take(extended ? 28 : 16, 'the rest of a chunk header');
    const [flags, type, cookie] = [rest.readUInt16BE(0), rest.readUInt16BE(2), rest.readBigUInt64BE(4)];
    const length = extended ? Number(rest.readBigUInt64BE(20)) : rest.readUInt32BE(12);
    expect(length <= CHUNK_LIMIT, `a chunk says that it has ${String(length)} bytes`);
    const payload = await this.wire.take(length, `the payload of ${chunkName(type)}`);
    const done = (flags & ChunkFlag.Done) !== 0;
    this.#transcript.came(
      `chunk ${chunkName(type)} ${cookieText(cookie)}${done ? ', DONE' : ''}${length > 0 ? `, payload ${hex(payload)}` : ''}`,
    );
    const pending = this.#find(cookie);
    pending.chunks.push({ flags, type, payload, ...(extended ? { offset: rest.readBigUInt64BE(12) } : {}) });
    if (!done) return;
    const { request, chunks } = pending;
    const error = errorOf(chunks);
    const data = request.type === NbdCommand.Read && error === 0 ? assemble(request, chunks) : null;
    this.#finish({ request, simple: false, error, chunks, data });
  }

  #find(cookie: bigint): Pending {
    const pending = this.#pending.get(cookie);
    expect(pending !== undefined, `a reply has ${cookieText(cookie)}, which no request in flight has`);
    return pending;
  }

  #finish(reply: Reply): void {
    this.#pending.delete(reply.request.cookie);
    this.#done.set(reply.request.cookie, reply);
  }
}
