import { fail, type InterposerError } from '@interposer/core';
import type { SourceText } from './source-text.ts';

/** More than these are counted, not shown. */
const MOST_SHOWN = 20;

/** What is wrong with a document, collected so that a user sees all of it at once. */
export class Problems {
  readonly #source: SourceText;
  readonly #found: { readonly offset: number; readonly text: string }[] = [];

  constructor(source: SourceText) {
    this.#source = source;
  }

  /** `text` says what is wrong and what is allowed; it never quotes a value, which may be a secret. */
  add(offset: number, text: string): void {
    this.#found.push({ offset, text });
  }

  /** Throws EINVAL with a line `file:line:column: text` for each problem, in the order of the document. */
  throwIfAny(): void {
    if (this.#found.length > 0) throw this.#error();
  }

  #error(): InterposerError {
    const lines = [...this.#found]
      .sort((a, b) => a.offset - b.offset)
      .map(({ offset, text }) => `${this.#source.where(offset)}: ${text}`);
    const unique = [...new Set(lines)];
    const shown = unique.slice(0, MOST_SHOWN);
    const left = unique.length - shown.length;
    return fail('EINVAL', [...shown, ...(left > 0 ? [`and ${String(left)} more`] : [])].join('\n'));
  }
}
