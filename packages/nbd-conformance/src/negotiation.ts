import {
  type BlockSizes,
  type ContextReply,
  decodeContextReply,
  decodeExportInfo,
  decodeGreeting,
  decodeOptionReplyHeader,
  encodeClientFlags,
  encodeContextRequest,
  encodeInfoRequest,
  encodeOption,
  type ExportInfo,
  GREETING_BYTES,
  HandshakeFlag,
  InfoType,
  NbdOption,
  OPTION_REPLY_HEADER_BYTES,
  OptionReply,
} from '@interposer/nbd-protocol';
import { hex, optionName, replyName, transmissionFlagNames } from './names.ts';
import { expect, Violation } from './rule.ts';
import type { Transcript } from './transcript.ts';
import { Transmission } from './transmission.ts';
import { type Mode } from './request.ts';
import type { Wire } from './wire.ts';

/** The client flags of an ordinary client. */
export const CLIENT_FLAGS: number = HandshakeFlag.FixedNewstyle | HandshakeFlag.NoZeroes;

/** Bytes of one option reply that are taken for an answer and not for a mistake. */
const REPLY_LIMIT = 2 ** 26;

/** One reply to an option. */
export interface OptionMessage {
  readonly type: number;
  readonly data: Buffer;
}

/** All replies to an option. */
export interface OptionAnswer {
  /** The one that ends it: ACK, or an error. */
  readonly final: OptionMessage;
  readonly before: readonly OptionMessage[];
}

/** The answer to INFO or GO. */
export interface InfoAnswer extends OptionAnswer {
  readonly infos: readonly ExportInfo[];
}

/** A connection in option haggling. */
export class Negotiation {
  readonly wire: Wire;
  readonly exportName: string;
  readonly #transcript: Transcript;
  #mode: Mode = 'simple';
  #contexts: readonly ContextReply[] = [];

  constructor(wire: Wire, transcript: Transcript, exportName: string) {
    this.wire = wire;
    this.exportName = exportName;
    this.#transcript = transcript;
  }

  /** Reads the greeting and answers with client flags. Resolves with the handshake flags. */
  async greet(clientFlags: number = CLIENT_FLAGS): Promise<number> {
    const handshakeFlags = await this.greeting();
    this.send(encodeClientFlags(clientFlags), `client flags 0x${clientFlags.toString(16)}`);
    return handshakeFlags;
  }

  /** Reads the greeting and does not answer. */
  async greeting(): Promise<number> {
    const greeting = await this.wire.take(GREETING_BYTES, 'a greeting');
    this.#transcript.came(`greeting ${hex(greeting)}`);
    const flags = decodeGreeting(greeting);
    expect(flags !== null, `a greeting starts with NBDMAGIC and IHAVEOPT, this one is ${hex(greeting)}`);
    return flags;
  }

  send(bytes: Buffer, what: string): void {
    this.#transcript.sent(what);
    this.wire.send(bytes);
  }

  /** Sends an option and collects its replies. */
  async option(option: number, data?: Buffer): Promise<OptionAnswer> {
    const size = data === undefined || data.length === 0 ? '' : `, data ${hex(data)}`;
    this.send(encodeOption(option, data), `option ${optionName(option)}${size}`);
    return this.answer(option);
  }

  /** The replies to an option that was sent, up to the final one. */
  async answer(option: number): Promise<OptionAnswer> {
    const before: OptionMessage[] = [];
    for (;;) {
      const message = await this.#message(option);
      if (message.type === OptionReply.Ack || message.type >= 2 ** 31) return { final: message, before };
      before.push(message);
    }
  }

  async #message(option: number): Promise<OptionMessage> {
    const bytes = await this.wire.take(OPTION_REPLY_HEADER_BYTES, `a reply to ${optionName(option)}`);
    const header = decodeOptionReplyHeader(bytes);
    if (header === null) {
      this.#transcript.came(hex(bytes));
      throw new Violation(`a reply to an option starts with its magic number, this one is ${hex(bytes)}`);
    }
    const { type, length } = header;
    const echoed = header.option;
    expect(length <= REPLY_LIMIT, `a reply says that it has ${String(length)} bytes`);
    const data = await this.wire.take(length, `the data of ${replyName(type)}`);
    const shown = type >= 2 ** 31 ? JSON.stringify(data.toString('utf8')) : hex(data);
    this.#transcript.came(
      `reply ${replyName(type)} to ${optionName(echoed)}${length > 0 ? ` ${shown}` : ''}`,
    );
    expect(echoed === option, `the reply is for ${optionName(echoed)}, sent was ${optionName(option)}`);
    return { type, data };
  }

  /** INFO or GO for the export of the address, or for another. */
  async info(
    option: number,
    types: readonly number[] = [InfoType.BlockSize],
    name: string = this.exportName,
  ): Promise<InfoAnswer> {
    const answer = await this.option(option, encodeInfoRequest({ name, types }));
    const infos = answer.before.flatMap(({ type, data }) => {
      expect(type === OptionReply.Info, `${replyName(type)} is no reply to ${optionName(option)}`);
      // What is malformed is the business of one rule, and not of all others.
      return decodeExportInfo(data) ?? [];
    });
    return { ...answer, infos };
  }

  /** Asks for structured replies, and answers whether they are agreed. */
  async structured(): Promise<boolean> {
    return this.#agree(NbdOption.StructuredReply, 'structured');
  }

  /** Asks for extended headers, and answers whether they are agreed. */
  async extended(): Promise<boolean> {
    return this.#agree(NbdOption.ExtendedHeaders, 'extended');
  }

  async #agree(option: number, mode: Mode): Promise<boolean> {
    const { final } = await this.option(option);
    if (final.type === OptionReply.Ack) this.#mode = mode;
    return final.type === OptionReply.Ack;
  }

  /** Whatever was negotiated is void: TLS has begun. */
  forget(): void {
    this.#mode = 'simple';
    this.#contexts = [];
  }

  /** LIST_META_CONTEXT or SET_META_CONTEXT. What SET selects is known to the transmission. */
  async contexts(
    option: number,
    queries: readonly string[],
    name: string = this.exportName,
  ): Promise<ContextReply[]> {
    const answer = await this.option(option, encodeContextRequest({ name, queries }));
    this.acknowledged(answer, optionName(option));
    const contexts = this.contextsIn(answer);
    if (option === NbdOption.SetMetaContext) this.#contexts = contexts;
    return contexts;
  }

  /** The contexts in an answer to those options. */
  contextsIn({ before }: OptionAnswer): ContextReply[] {
    return before.map(({ type, data }) => {
      expect(type === OptionReply.MetaContext, `${replyName(type)} is no reply to an option about contexts`);
      const context = decodeContextReply(data);
      expect(context !== null, `a context that is malformed: ${hex(data)}`);
      return context;
    });
  }

  /** `Violation` unless the answer ends with ACK. */
  acknowledged({ final }: OptionAnswer, what: string): void {
    expect(final.type === OptionReply.Ack, `${what} is answered with ${replyName(final.type)}, not with ACK`);
  }

  /** GO, into the transmission phase. */
  async go(types?: readonly number[]): Promise<Transmission> {
    const answer = await this.info(NbdOption.Go, types);
    this.acknowledged(answer, 'GO');
    const exported = answer.infos.find((info) => info.type === 'export');
    expect(exported !== undefined, 'GO is acknowledged without information about the export');
    const sizes = answer.infos.find((info) => info.type === 'block-size');
    return this.transmission(exported.size, exported.flags, sizes ?? null);
  }

  /** The rest of the connection, after GO or EXPORT_NAME. */
  transmission(size: number, flags: number, blockSizes: BlockSizes | null): Transmission {
    this.#transcript.came(`export of ${String(size)} bytes, ${transmissionFlagNames(flags)}`);
    return new Transmission(this.wire, this.#transcript, {
      size,
      flags,
      blockSizes,
      mode: this.#mode,
      contexts: this.#contexts,
    });
  }

  /** `Violation` unless the server closes the connection and sends nothing before. */
  async closed(what: string): Promise<void> {
    expect(await this.wire.closed(what), `the server answers ${what} instead of closing the connection`);
  }
}
