import { fail } from '@interposer/core';
import type { Surroundings } from '../io.ts';
import { bytesOf } from './key-file.ts';

/** Standard input as long as it is a terminal. */
interface TerminalInput extends AsyncIterable<Uint8Array | string> {
  readonly isTTY: true;
  setRawMode(raw: boolean): unknown;
}

function isTerminal(stdin: Surroundings['stdin']): stdin is TerminalInput {
  return 'isTTY' in stdin && stdin.isTTY === true && 'setRawMode' in stdin;
}

/** What keys send in raw mode. */
const KEY = {
  interrupt: 3,
  endOfFile: 4,
  backspace: 8,
  newline: 10,
  enter: 13,
  killLine: 21,
  delete: 127,
} as const;

/** Longer ones cryptsetup refuses, too. */
const LONGEST = 512;

/**
 * Asks for passphrases on the terminal, and shows nothing of them. EINVAL where standard input is no terminal; EACCES if
 * the user gives up.
 */
export class Terminal {
  readonly #around: Surroundings;
  readonly #chunks: AsyncIterator<Uint8Array | string>;
  /** What was typed ahead. */
  #rest: Buffer = Buffer.alloc(0);

  private constructor(around: Surroundings, input: TerminalInput) {
    this.#around = around;
    this.#chunks = input[Symbol.asyncIterator]();
  }

  /** Works with the terminal and gives it back as it was. */
  static async use<T>(around: Surroundings, work: (terminal: Terminal) => Promise<T>): Promise<T> {
    const { stdin } = around;
    if (!isTerminal(stdin)) {
      throw fail(
        'EINVAL',
        'there is no terminal to ask for a passphrase: name a file with --key-file, or - for standard input',
      );
    }
    const terminal = new Terminal(around, stdin);
    stdin.setRawMode(true);
    try {
      return await work(terminal);
    } finally {
      stdin.setRawMode(false);
      terminal.#rest.fill(0);
      // The process would wait for more input otherwise.
      await terminal.#chunks.return?.();
    }
  }

  /** A line without its end, as bytes. The caller wipes it. */
  async ask(prompt: string): Promise<Buffer> {
    this.#around.stderr.write(prompt);
    const typed = Buffer.alloc(LONGEST);
    try {
      const length = await this.#line(typed);
      if (length <= LONGEST) return Buffer.from(typed.subarray(0, length));
      throw fail('EINVAL', `the passphrase is longer than ${String(LONGEST)} bytes`);
    } finally {
      typed.fill(0);
      this.#around.stderr.write('\n');
    }
  }

  /** All of a line, also of one that is too long: what is left of it would be shown, and taken for a command by a shell. */
  async #line(typed: Buffer): Promise<number> {
    let length = 0;
    for (;;) {
      const byte = await this.#next();
      if (byte === KEY.enter || byte === KEY.newline) return length;
      if (byte === undefined || byte === KEY.interrupt || (byte === KEY.endOfFile && length === 0)) {
        throw fail('EACCES', 'no passphrase was given');
      }
      if (byte === KEY.killLine) length = 0;
      else if (length > LONGEST) continue;
      else if (byte === KEY.backspace || byte === KEY.delete) length = withoutLast(typed, length);
      else typed[length++] = byte;
    }
  }

  async #next(): Promise<number | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      this.#rest = bytesOf(next.value);
    }
    const byte = this.#rest[0]!;
    this.#rest[0] = 0;
    this.#rest = this.#rest.subarray(1);
    return byte;
  }
}

/** The length without the last character, which can be several bytes of UTF-8. */
function withoutLast(typed: Buffer, length: number): number {
  let end = Math.max(0, length - 1);
  while (end > 0 && (typed[end]! & 0xc0) === 0x80) end--;
  return end;
}
