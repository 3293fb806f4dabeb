import { describe, expect, it } from 'vitest';
import { CbcMode } from '../src/cbc-mode.ts';
import type { Stream } from '../src/engine.ts';
import { IvTable } from '../src/iv-table.ts';
import { nodeEngine } from '../src/node-engine.ts';
import { Span } from '../src/span.ts';
import { errorOf, testKey } from './engines.ts';

/** A stream that fails once, when its work is done or before it. */
class Failing implements Stream {
  next: 'never' | 'before' | 'after' = 'never';
  readonly #real: Stream;

  constructor(encrypting: boolean) {
    this.#real = nodeEngine.stream('aes-256-cbc', testKey(32), encrypting);
  }

  update(...args: Parameters<Stream['update']>): void {
    const { next } = this;
    this.next = 'never';
    if (next !== 'before') this.#real.update(...args);
    if (next !== 'never') throw new RangeError('Array buffer allocation failed');
  }

  close(): void {
    this.#real.close();
  }
}

describe.each(['encrypt', 'decrypt'] as const)('CBC without native calls: %s', (verb) => {
  it.each(['before', 'after'] as const)('gives nothing wrong after a failure %s the work', (when) => {
    const streams = { encrypt: new Failing(true), decrypt: new Failing(false) };
    const mode = new CbcMode(streams.encrypt, streams.decrypt, 16, 512, undefined);
    const run = (fill: number): Uint8Array => {
      const to = new Uint8Array(1024);
      const span = new Span().set(new Uint8Array(1024).fill(fill), 0, to, 0, 1024, 0);
      mode.run(verb === 'encrypt', span, 2, new IvTable(32));
      return to;
    };
    const wanted = run(7);
    streams[verb].next = when;
    expect(() => run(5)).toThrow(RangeError);
    // The chain is lost: where it stands nobody knows.
    const { code } = errorOf(() => expect(run(7)).toEqual(wanted));
    expect(['none', 'EIO']).toContain(code);
    mode.close();
  });
});
