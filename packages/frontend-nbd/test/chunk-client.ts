import {
  ChunkFlag,
  CommandFlag,
  decodeChunkHeader,
  decodeContextReply,
  encodeContextRequest,
  EXTENDED_REPLY_BYTES,
  EXTENDED_REQUEST_BYTES,
  EXTENDED_REQUEST_MAGIC,
  NbdCommand,
  NbdOption,
  OptionReply,
  REQUEST_BYTES,
  REQUEST_MAGIC,
  RequestField,
  SIMPLE_REPLY_BYTES,
  SIMPLE_REPLY_MAGIC,
  type StatusExtent,
  STRUCTURED_REPLY_BYTES,
} from '@interposer/nbd-protocol';
import {
  type Answer,
  type DialectName,
  type Order,
  type Pending,
  problemOf,
  takeChunk,
} from './chunk-rules.ts';
import { RawClient } from './raw-client.ts';

export type { DialectName } from './chunk-rules.ts';

const COOKIE_HIGH = 0xfeedface;

/**
 * A client of any dialect that believes nothing: each reply is checked against the rules of the protocol, and a broken one
 * rejects. Requests may be pipelined.
 */
export class ChunkClient extends RawClient {
  /** Context name by number, as the server told. */
  readonly contexts: Map<number, string> = new Map<number, string>();
  /** Bytes of all replies. */
  received = 0;
  readonly #dialect: DialectName;
  readonly #pending = new Map<number, Pending>();
  #cookie = 0;
  #reading = false;

  constructor(path: string, dialect: DialectName) {
    super(path);
    this.#dialect = dialect;
    this.socket.on('data', (piece: Buffer) => (this.received += piece.length));
  }

  /** Flags, dialect, contexts and GO. */
  async open(queries: readonly string[] = [], name = ''): Promise<this> {
    await this.greet();
    if (this.#dialect === 'structured') await this.agree(NbdOption.StructuredReply);
    if (this.#dialect === 'extended') await this.agree(NbdOption.ExtendedHeaders);
    if (queries.length > 0) await this.select(name, queries);
    return this.choose(name);
  }

  /** SET_META_CONTEXT; the type of the last reply. */
  async select(name: string, queries: readonly string[]): Promise<number> {
    const answers = await this.option(NbdOption.SetMetaContext, encodeContextRequest({ name, queries }));
    this.contexts.clear();
    for (const { type, data } of answers) {
      if (type !== OptionReply.MetaContext) continue;
      const { id, name: context } = decodeContextReply(data)!;
      if (this.contexts.has(id)) throw new Error(`two contexts are number ${String(id)}`);
      this.contexts.set(id, context);
    }
    return answers.at(-1)!.type;
  }

  /** The bytes of a request. */
  frame({ command, offset = 0, length = 0, flags = 0, data }: Order, cookie = 1): Buffer {
    const extended = this.#dialect === 'extended';
    const head = Buffer.alloc(extended ? EXTENDED_REQUEST_BYTES : REQUEST_BYTES);
    head.writeUInt32BE(extended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC, RequestField.Magic);
    head.writeUInt16BE(flags, RequestField.Flags);
    head.writeUInt16BE(command, RequestField.Type);
    head.writeUInt32BE(COOKIE_HIGH, RequestField.Cookie);
    head.writeUInt32BE(cookie, RequestField.Cookie + 4);
    head.writeBigUInt64BE(BigInt(offset), RequestField.Offset);
    if (extended) head.writeBigUInt64BE(BigInt(length), RequestField.Length);
    else head.writeUInt32BE(Number(length), RequestField.Length);
    return data === undefined ? head : Buffer.concat([head, data]);
  }

  /** Sends a request; its reply, checked. */
  ask(order: Order): Promise<Answer> {
    const { command, offset = 0, length = 0, flags = 0 } = order;
    const cookie = ++this.#cookie;
    const answer = new Promise<Answer>((resolve, reject) => {
      const reading = command === NbdCommand.Read && Number(length) <= 2 ** 26;
      this.#pending.set(cookie, {
        order: { command, offset, length, flags },
        data: Buffer.alloc(reading ? Number(length) : 0, 0xee),
        parts: [],
        status: new Map(),
        chunks: [],
        error: 0,
        message: '',
        errorOffset: undefined,
        resolve,
        reject,
      });
    });
    this.send(this.frame(order, cookie));
    void this.#listen();
    return answer;
  }

  get(offset: number, length: number, flags = 0): Promise<Answer> {
    return this.ask({ command: NbdCommand.Read, offset, length, flags });
  }

  put(offset: number, data: Buffer, flags = 0): Promise<Answer> {
    const own = this.#dialect === 'extended' ? CommandFlag.PayloadLength : 0;
    return this.ask({ command: NbdCommand.Write, offset, length: data.length, flags: flags | own, data });
  }

  status(offset: number, length: number | bigint, flags = 0): Promise<Answer> {
    return this.ask({ command: NbdCommand.BlockStatus, offset, length, flags });
  }

  /** The extents of the only context that was selected. */
  async extents(offset: number, length: number | bigint, flags = 0): Promise<readonly StatusExtent[]> {
    const { error, status } = await this.status(offset, length, flags);
    if (error !== 0 || status.size !== 1)
      throw new Error(`error ${String(error)}, ${String(status.size)} contexts`);
    return [...status.values()][0]!;
  }

  async #listen(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (this.#pending.size > 0) await this.#takeReply();
    } catch (error) {
      for (const { reject } of this.#pending.values()) reject(error as Error);
      this.#pending.clear();
    }
    this.#reading = false;
  }

  async #takeReply(): Promise<void> {
    const start = await this.read(SIMPLE_REPLY_BYTES);
    if (start.readUInt32BE(0) === SIMPLE_REPLY_MAGIC) {
      await this.#takeSimple(start);
      return;
    }
    const size = this.#dialect === 'extended' ? EXTENDED_REPLY_BYTES : STRUCTURED_REPLY_BYTES;
    const header = decodeChunkHeader(Buffer.concat([start, await this.read(size - start.length)]));
    if (
      this.#dialect === 'simple' ||
      header === null ||
      (header.offset !== undefined) !== (size === EXTENDED_REPLY_BYTES)
    )
      throw new Error(`no reply of the dialect: ${start.toString('hex')}`);
    const pending = this.#find(header.cookieHigh, header.cookieLow);
    if (size === EXTENDED_REPLY_BYTES) {
      const asked = Number(pending.order.offset);
      // The decoder answers Infinity for what is not exact.
      if (header.offset !== (asked >= 2 ** 53 ? Infinity : asked))
        throw new Error('the offset was not echoed');
    }
    pending.chunks.push(header.type);
    takeChunk(pending, header, await this.read(header.length), this.#dialect);
    if ((header.flags & ChunkFlag.Done) !== 0) this.#finish(header.cookieLow, pending);
  }

  async #takeSimple(header: Buffer): Promise<void> {
    const pending = this.#find(header.readUInt32BE(8), header.readUInt32BE(12));
    const { command, length } = pending.order;
    const needsChunks = command === NbdCommand.Read || command === NbdCommand.BlockStatus;
    if (this.#dialect === 'extended' || (this.#dialect === 'structured' && needsChunks))
      throw new Error(`a simple reply to command ${String(command)}`);
    if (pending.chunks.length > 0) throw new Error('a simple reply behind chunks');
    pending.error = header.readUInt32BE(4);
    if (command === NbdCommand.Read && pending.error === 0) {
      pending.parts.push({ hole: false, start: Number(pending.order.offset), bytes: Number(length) });
      (await this.read(Number(length))).copy(pending.data);
    }
    this.#finish(header.readUInt32BE(12), pending);
  }

  #find(high: number, low: number): Pending {
    const pending = high === COOKIE_HIGH ? this.#pending.get(low) : undefined;
    if (pending === undefined) throw new Error(`a reply to nothing: ${String(high)} ${String(low)}`);
    return pending;
  }

  #finish(cookie: number, pending: Pending): void {
    this.#pending.delete(cookie);
    const { order, error, message, errorOffset, data, parts, status, chunks } = pending;
    const problem = error === 0 && this.#dialect !== 'simple' ? problemOf(pending, this.contexts) : undefined;
    if (problem !== undefined) pending.reject(new Error(`command ${String(order.command)}: ${problem}`));
    else {
      const read = error === 0 ? data : Buffer.alloc(0);
      pending.resolve({ error, message, errorOffset, data: read, parts, status, chunks });
    }
  }
}
