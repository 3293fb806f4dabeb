import {
  type ContextRequest,
  decodeContextRequest,
  decodeInfoRequest,
  decodeText,
  encodeContextReply,
  encodeExportInfo,
  encodeExportNameReply,
  encodeGreeting,
  encodeOptionReply,
  encodeServerReply,
  HandshakeFlag,
  type InfoRequest,
  InfoType,
  MAX_STRING_BYTES,
  NbdOption,
  OptionReply,
} from '@interposer/nbd-protocol';
import { listContexts, type SelectedContext, selectContexts } from './contexts.ts';
import { type Dialect, extended, simple, structured } from './dialect.ts';
import type { Export } from './export.ts';
import type { NegotiationHost } from './negotiation-host.ts';
import { OptionInput, type OptionTaker } from './option-input.ts';

const OFFERED: number = HandshakeFlag.FixedNewstyle | HandshakeFlag.NoZeroes;

/** The first phase of a connection: fixed newstyle negotiation, doc/proto.md, "Handshake". */
export class Negotiation implements OptionTaker {
  over = false;
  readonly #host: NegotiationHost;
  readonly #input: OptionInput;
  #clientFlags: number;
  #option = 0;
  #dialect: Dialect = simple;
  #contexts: readonly SelectedContext[] = [];
  /** The name of the export that the contexts were chosen for. */
  #contextsOf: string | null = null;

  /** Greets the client, unless it goes on under TLS with the flags it has sent. */
  constructor(host: NegotiationHost, clientFlags?: number) {
    this.#host = host;
    this.#clientFlags = clientFlags ?? 0;
    this.#input = new OptionInput(this, clientFlags === undefined);
    if (clientFlags === undefined) host.send(encodeGreeting(OFFERED));
  }

  get blocked(): boolean {
    return this.#host.blocked;
  }

  /** Takes bytes from the client; answers where it stopped: at the end of the negotiation, or when blocked. */
  receive(buffer: Buffer, start: number, end: number): number {
    return this.#input.receive(buffer, start, end);
  }

  takeFlags(flags: number): void {
    this.#clientFlags = flags;
    if ((flags & ~OFFERED) !== 0) this.cutOff('client flags that were not offered');
  }

  takeOption(option: number, data: Buffer | null): void {
    this.#option = option;
    if (option === NbdOption.Abort) this.#abort();
    else if (this.#host.tls === 'required' && option !== NbdOption.StartTls) this.#demandTls();
    else if (option === NbdOption.ExportName) this.#exportName(data);
    else if ((this.#clientFlags & HandshakeFlag.FixedNewstyle) === 0) {
      this.#refuse(OptionReply.ErrInvalid, 'this option takes a client of the fixed newstyle');
    } else this.#answer(data);
  }

  cutOff(message: string): void {
    this.over = true;
    this.#host.violation(message);
  }

  #answer(data: Buffer | null): void {
    const option = this.#option;
    if (option === NbdOption.Info || option === NbdOption.Go) this.#info(data);
    else if (option === NbdOption.ListMetaContext || option === NbdOption.SetMetaContext) {
      this.#metaContexts(data);
    } else if (option === NbdOption.List) this.#withoutData(data, () => this.#list());
    else if (option === NbdOption.StartTls) this.#withoutData(data, () => this.#startTls());
    else if (option === NbdOption.StructuredReply) {
      this.#withoutData(data, () => this.#agreeOn(structured));
    } else if (option === NbdOption.ExtendedHeaders) {
      this.#withoutData(data, () => this.#agreeOn(extended));
    } else this.#refuse(OptionReply.ErrUnsupported, `option ${String(option)} is not known here`);
  }

  #withoutData(data: Buffer | null, perform: () => void): void {
    if (data?.length === 0) perform();
    else this.#refuse(OptionReply.ErrInvalid, 'this option takes no data');
  }

  #abort(): void {
    this.over = true;
    this.#reply(OptionReply.Ack);
    this.#host.hangUp();
  }

  #demandTls(): void {
    if (this.#option === NbdOption.ExportName) this.cutOff('an export was asked for without TLS');
    else this.#refuse(OptionReply.ErrTlsRequired, 'this server takes clients with TLS only');
  }

  #startTls(): void {
    const { tls } = this.#host;
    if (tls === 'off') this.#refuse(OptionReply.ErrPolicy, 'this server does no TLS');
    else if (tls === 'active') this.#refuse(OptionReply.ErrInvalid, 'TLS is active already');
    else {
      this.over = true;
      this.#reply(OptionReply.Ack);
      this.#host.startTls(this.#clientFlags);
    }
  }

  /** Extended headers win over structured replies, in whatever order they are asked for. */
  #agreeOn(dialect: Dialect): void {
    if (this.#dialect === dialect) this.#refuse(OptionReply.ErrInvalid, 'that is agreed on already');
    else if (this.#dialect === extended) {
      this.#refuse(OptionReply.ErrExtendedHeaderRequired, 'extended headers are agreed on already');
    } else {
      this.#dialect = dialect;
      this.#reply(OptionReply.Ack);
    }
  }

  #exportName(data: Buffer | null): void {
    const name = data === null ? null : decodeText(data);
    const exported = name === null ? undefined : this.#host.find(name);
    if (this.#dialect === extended) this.cutOff('EXPORT_NAME cannot be used with extended headers');
    else if (exported === undefined) this.cutOff('there is no export of the name that was asked for');
    else {
      const refusal = this.#host.refusal(exported, true);
      if (refusal !== null) {
        this.cutOff(refusal.message);
        return;
      }
      const padded = (this.#clientFlags & HandshakeFlag.NoZeroes) === 0;
      const flags = exported.flagsFor(this.#dialect, this.#contextsFor(name!));
      this.#host.send(encodeExportNameReply(exported.size, flags, padded));
      this.#choose(exported, name!);
    }
  }

  #list(): void {
    for (const exported of this.#host.list()) {
      if (this.#host.refusal(exported, false) !== null) continue;
      this.#reply(OptionReply.Server, encodeServerReply(exported.name, exported.description));
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
    const exported = this.#findAllowed(request.name);
    if (exported === null) return;
    this.#describe(exported, request);
    this.#reply(OptionReply.Ack);
    if (this.#option === NbdOption.Go) this.#choose(exported, request.name);
  }

  /** Size and block sizes always, the rest when asked for. */
  #describe(exported: Export, request: InfoRequest): void {
    const { name, description, size } = exported;
    const types = new Set(request.types);
    const flags = exported.flagsFor(this.#dialect, this.#contextsFor(request.name));
    this.#reply(OptionReply.Info, encodeExportInfo({ type: 'export', size, flags }));
    this.#reply(OptionReply.Info, encodeExportInfo({ type: 'block-size', ...exported.blockSizes }));
    if (types.has(InfoType.Name))
      this.#reply(OptionReply.Info, encodeExportInfo({ type: 'name', text: name }));
    if (types.has(InfoType.Description) && description !== '') {
      this.#reply(OptionReply.Info, encodeExportInfo({ type: 'description', text: description }));
    }
  }

  /** LIST_META_CONTEXT and SET_META_CONTEXT. The latter replaces what was chosen, also when it fails. */
  #metaContexts(data: Buffer | null): void {
    const setting = this.#option === NbdOption.SetMetaContext;
    if (setting) this.#chooseContexts(null, []);
    const request = data === null ? null : decodeContextRequest(data);
    if (!this.#dialect.chunked) {
      this.#refuse(OptionReply.ErrInvalid, 'contexts take structured replies or extended headers');
    } else if (data === null) {
      this.#refuse(OptionReply.ErrTooBig, 'too many queries');
    } else if (request === null) {
      this.#refuse(OptionReply.ErrInvalid, 'the parts of the option do not add up, or a text is not allowed');
    } else {
      const exported = this.#findAllowed(request.name);
      if (exported !== null) this.#tellContexts(exported, request, setting);
    }
  }

  #tellContexts(exported: Export, { name, queries }: ContextRequest, setting: boolean): void {
    const contexts = setting
      ? selectContexts(exported, queries)
      : listContexts(exported, queries).map((context) => ({ id: 0, name: context }));
    if (setting) this.#chooseContexts(name, contexts);
    for (const context of contexts) this.#reply(OptionReply.MetaContext, encodeContextReply(context));
    this.#reply(OptionReply.Ack);
  }

  #chooseContexts(name: string | null, contexts: readonly SelectedContext[]): void {
    this.#contextsOf = name;
    this.#contexts = contexts;
  }

  /** Answers the client if there is no such export, or none for it. */
  #findAllowed(name: string): Export | null {
    const exported = this.#host.find(name);
    if (exported === undefined) {
      this.#refuse(OptionReply.ErrUnknown, `there is no export "${name}"`);
      return null;
    }
    const refusal = this.#host.refusal(exported, this.#option === NbdOption.Go);
    if (refusal === null) return exported;
    this.#refuse(refusal.type, refusal.message);
    return null;
  }

  #choose(exported: Export, name: string): void {
    this.over = true;
    this.#host.transmit(exported, { dialect: this.#dialect, contexts: this.#contextsFor(name) });
  }

  /** Contexts that were chosen for another name are void. */
  #contextsFor(name: string): readonly SelectedContext[] {
    return this.#contextsOf === name ? this.#contexts : [];
  }

  /** A text that the protocol cannot carry, because of a name in it, is left out. */
  #refuse(type: number, message: string): void {
    const text = Buffer.from(message);
    this.#reply(type, text.length > MAX_STRING_BYTES ? undefined : text);
  }

  #reply(type: number, data?: Buffer): void {
    this.#host.send(encodeOptionReply(this.#option, type, data));
  }
}
