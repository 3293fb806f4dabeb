import { NbdOption, type NbdUri } from '@interposer/nbd-protocol';
import type { Socket } from 'node:net';
import { CLIENT_FLAGS, Negotiation } from './negotiation.ts';
import { NotApplicable, type Violation } from './rule.ts';
import type { Survey } from './survey.ts';
import type { Transcript } from './transcript.ts';
import type { Transmission } from './transmission.ts';
import { openSocket, Wire } from './wire.ts';

/** How far TLS goes in an attempt: the versions that the client offers. */
export interface TlsAttempt {
  readonly minVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
}

/** A TLS handshake as the client; rejects if it fails. */
export type Secure = (socket: Socket, attempt?: TlsAttempt) => Promise<Socket>;

/** The server under test. */
export interface Target {
  readonly uri: NbdUri;
  /** Null: without TLS. */
  readonly secure: Secure | null;
}

/** What to agree on before GO. */
export interface Wish {
  readonly mode?: 'simple' | 'structured' | 'extended';
  /** Contexts to select. */
  readonly contexts?: readonly string[];
  /** Information to ask for in GO; block sizes by default. */
  readonly types?: readonly number[];
}

/** What a rule works with: connections of its own to one server. */
export class Kit {
  readonly target: Target;
  readonly survey: Survey;
  /** The export of the address. */
  readonly name: string;
  /** Bytes at the start of the export that rules may change. */
  readonly scratch: number;
  readonly #transcript: Transcript;
  readonly #signal: AbortSignal;
  readonly #wires: Wire[] = [];

  constructor(target: Target, survey: Survey, scratch: number, transcript: Transcript, signal: AbortSignal) {
    this.target = target;
    this.survey = survey;
    this.name = target.uri.exportName;
    this.scratch = scratch;
    this.#transcript = transcript;
    this.#signal = signal;
  }

  /** A new connection, on which nothing was read or sent. */
  async open(): Promise<Negotiation> {
    const socket = await openSocket(this.target.uri.address, this.#signal);
    const wire = new Wire(socket, this.#signal);
    this.#wires.push(wire);
    return new Negotiation(wire, this.#transcript, this.name);
  }

  /** A new connection in option haggling, in TLS if the address says so. */
  async greeted(flags: number = CLIENT_FLAGS): Promise<Negotiation> {
    const negotiation = await this.plain(flags);
    if (this.target.secure !== null) await this.startTls(negotiation);
    return negotiation;
  }

  /** A new connection in option haggling, without TLS. */
  async plain(flags: number = CLIENT_FLAGS): Promise<Negotiation> {
    const negotiation = await this.open();
    await negotiation.greet(flags);
    return negotiation;
  }

  /** STARTTLS and the handshake after it. */
  async startTls(negotiation: Negotiation, attempt?: TlsAttempt): Promise<void> {
    negotiation.acknowledged(await negotiation.option(NbdOption.StartTls), 'STARTTLS');
    await this.shake(negotiation, attempt);
  }

  /** The handshake after an acknowledged STARTTLS. */
  async shake(negotiation: Negotiation, attempt?: TlsAttempt): Promise<void> {
    const { secure } = this.target;
    if (secure === null) throw new NotApplicable('the address is not of TLS');
    await negotiation.wire.upgrade((socket) => secure(socket, attempt));
    negotiation.forget();
    this.#transcript.came('TLS has begun');
  }

  /** A new connection in option haggling, with structured replies or extended headers if they are wished for. */
  async haggling({ mode = 'simple', contexts }: Wish = {}): Promise<Negotiation> {
    const negotiation = await this.greeted();
    if (mode === 'structured' && !(await negotiation.structured())) {
      throw new NotApplicable('structured replies are refused');
    }
    if (mode === 'extended' && !(await negotiation.extended())) {
      throw new NotApplicable('extended headers are refused');
    }
    if (contexts !== undefined) await negotiation.contexts(NbdOption.SetMetaContext, contexts);
    return negotiation;
  }

  /** A new connection in the transmission phase. */
  async ready(wish: Wish = {}): Promise<Transmission> {
    return (await this.haggling(wish)).go(wish.types);
  }

  /** Closes all connections of the rule. */
  close(): void {
    for (const wire of this.#wires) wire.destroy();
  }
}

/** Resolves with what the attempt is refused with; null if it is not. */
export async function refusal(attempt: Promise<unknown>): Promise<Violation | Error | null> {
  try {
    await attempt;
    return null;
  } catch (error) {
    return error as Error;
  }
}
