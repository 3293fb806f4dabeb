import type { Kit } from './kit.ts';

/** How strongly the protocol asks for it: MUST (and MUST NOT), or SHOULD (and SHOULD NOT). */
export type Level = 'MUST' | 'SHOULD';

/** What a server and its export must offer for a rule to say anything about them. */
export interface Needs {
  /** False: it holds also for a server whose export cannot be used. */
  readonly export?: false;
  /** Bits of `TransmissionFlag` that must all be set, and bits that must all be clear. */
  readonly flags?: number;
  readonly without?: number;
  /** Bytes the export must have; for a rule that writes, bytes that may be written. */
  readonly bytes?: number;
  readonly structured?: boolean;
  readonly extended?: boolean;
  /** `base:allocation` can be selected. */
  readonly allocation?: boolean;
  /** The server sends BLOCK_SIZE, and its minimum is larger than 1 byte. */
  readonly blockSizes?: boolean;
  readonly minimumBlock?: boolean;
  /** LIST is not refused. */
  readonly list?: boolean;
  /** What the server does without TLS: has none, offers it, or insists on it. */
  readonly tls?: 'none' | 'offered' | 'required' | 'any';
  /** The kit was given what a TLS handshake takes: an `nbds` address. */
  readonly credentials?: boolean;
}

/** One statement of the protocol about servers, and how to find out whether it holds. */
export interface Rule {
  /** Stable, dotted, its first part the group. */
  readonly id: string;
  readonly level: Level;
  /** The heading in doc/proto.md of the protocol under which it stands. */
  readonly section: string;
  /** What a server does that keeps it: one sentence. */
  readonly about: string;
  readonly needs?: Needs;
  /** It sends commands that change data: run only if that is allowed. */
  readonly writes?: boolean;
  /** Resolves if the rule holds. Throws `Violation` if it does not, `NotApplicable` if that cannot be told. */
  run(kit: Kit): Promise<void>;
}

/** The server does not do what a rule asks; the message says what was wanted and what came. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** The rule says nothing about this server; the message says why. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable';
}

/** Throws `Violation` unless the condition holds. */
export function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Violation(message);
}

/** Throws `NotApplicable` if the condition holds. */
export function notApplicableIf(condition: boolean, why: string): void {
  if (condition) throw new NotApplicable(why);
}
