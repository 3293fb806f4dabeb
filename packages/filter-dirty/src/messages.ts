import { fail } from '@interposer/core';
import type { Bitmaps } from './bitmaps.ts';

/** A message with the name of a bitmap behind it, or alone. */
interface Message {
  readonly takesName: boolean;
  run(bitmaps: Bitmaps, name: string): void;
}

const MESSAGES: Readonly<Record<string, Message>> = {
  clear: {
    takesName: false,
    run: (bitmaps) => {
      bitmaps.clear();
    },
  },
  rotate: {
    takesName: true,
    run: (bitmaps, name) => {
      bitmaps.rotate(name);
    },
  },
  merge: {
    takesName: true,
    run: (bitmaps, name) => {
      bitmaps.merge(name);
    },
  },
  drop: {
    takesName: true,
    run: (bitmaps, name) => {
      bitmaps.drop(name);
    },
  },
};

/** Does what a message says; the answer is empty. EINVAL for anything that is none. */
export function answerMessage(bitmaps: Bitmaps, words: readonly string[]): string {
  const [verb = '', name, ...more] = words;
  const message = Object.hasOwn(MESSAGES, verb) ? MESSAGES[verb] : undefined;
  if (message?.takesName !== (name !== undefined) || more.length > 0) {
    const known = Object.entries(MESSAGES).map(([word, { takesName }]) =>
      takesName ? `${word} NAME` : word,
    );
    throw fail('EINVAL', `filter dirty: "${words.join(' ')}" is no message; messages: ${known.join(', ')}`);
  }
  message.run(bitmaps, name ?? '');
  return '';
}
