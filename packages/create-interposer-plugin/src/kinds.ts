/** What a plugin can be. */
export type Kind = 'filter' | 'target' | 'device';

/** Every kind, in the order they are offered. */
export const KINDS: readonly Kind[] = ['filter', 'target', 'device'];

/** One sentence for each kind: what the generated example does. */
export const ABOUT: Readonly<Record<Kind, string>> = {
  filter: 'Interposer filter that counts what is written and refuses writes beyond a limit.',
  target: 'Interposer target that maps onto a range of a device and stores its bytes veiled by a key.',
  device: 'Interposer block device in memory whose new sectors hold a pattern instead of zeroes.',
};

/** Whether a word names a kind. */
export function isKind(word: string): word is Kind {
  return (KINDS as readonly string[]).includes(word);
}
