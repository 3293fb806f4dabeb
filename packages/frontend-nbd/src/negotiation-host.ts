import type { SelectedContext } from './contexts.ts';
import type { Dialect } from './dialect.ts';
import type { Export } from './export.ts';

/** What a client and the server have agreed on besides the export. */
export interface Agreement {
  readonly dialect: Dialect;
  readonly contexts: readonly SelectedContext[];
}

/** An error reply to an option. */
export interface Refusal {
  /** One of `OptionReply`. */
  readonly type: number;
  readonly message: string;
}

/** What a negotiation needs of the connection it belongs to. */
export interface NegotiationHost {
  /** So much is not sent yet that no further option should be answered. */
  readonly blocked: boolean;
  /** `required`: before STARTTLS a client can do nothing else. `active`: it has done so. */
  readonly tls: 'off' | 'offered' | 'required' | 'active';
  /** The export that a client means by a name. */
  find(name: string): Export | undefined;
  list(): readonly Export[];
  /** Why this client may not use an export, or not open it now; null if it may. */
  refusal(exported: Export, opening: boolean): Refusal | null;
  send(bytes: Buffer): void;
  /** STARTTLS was granted: a new negotiation goes on inside, which knows nothing of this one but the client's flags. */
  startTls(clientFlags: number): void;
  /** The client broke the protocol, or asked in a way that has no error reply: no more of it. */
  violation(message: string): void;
  /** Sends what is to be sent and closes. */
  hangUp(): void;
  /** The client chose. */
  transmit(exported: Export, agreement: Agreement): void;
}
