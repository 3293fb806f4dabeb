import type { KeyInfo } from './control.ts';
import { fail } from './errors.ts';

/** The types of keys that a table may name, as in the kernel. */
export const KEY_TYPES = ['user', 'logon', 'encrypted', 'trusted'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

/** The most bytes of a key. Kernel: user_preparse. */
const LARGEST_KEY = 32767;

/** Where targets and filters look up keys that their arguments name. */
export interface KeySource {
  /** A copy of a key, which its owner wipes; undefined if there is none. */
  read(type: KeyType, name: string): Buffer | undefined;
}

/** Keys by type and name, in the memory of the process, so that tables need not have them in their text. */
export class KeyRing implements KeySource {
  readonly #keys = new Map<string, KeyInfo & { readonly bytes: Buffer }>();

  /**
   * Keeps a copy of a key; one of the same type and name is wiped. EINVAL for another type, for a name with blanks, or none, and
   * for a key of no bytes or more than 32767.
   */
  add(type: string, name: string, key: Uint8Array): void {
    if (!isKeyType(type))
      throw fail('EINVAL', `"${type}" is no type of key; there are ${KEY_TYPES.join(', ')}`);
    if (!/^\S+$/.test(name)) throw fail('EINVAL', 'the name of a key is one word, without blanks');
    if (key.length === 0) throw fail('EINVAL', `the key ${type}:${name} is empty`);
    if (key.length > LARGEST_KEY) {
      throw fail(
        'EINVAL',
        `the key ${type}:${name} has ${String(key.length)} bytes, more than ${String(LARGEST_KEY)}`,
      );
    }
    this.remove(type, name);
    const bytes = Buffer.alloc(key.length);
    bytes.set(key);
    this.#keys.set(`${type}:${name}`, { type, name, size: key.length, bytes });
  }

  /** Wipes a key; false if there is none. Devices that have read it already keep it. */
  remove(type: string, name: string): boolean {
    const key = this.#keys.get(`${type}:${name}`);
    key?.bytes.fill(0);
    return this.#keys.delete(`${type}:${name}`);
  }

  /** Wipes all keys. */
  clear(): void {
    for (const { bytes } of this.#keys.values()) bytes.fill(0);
    this.#keys.clear();
  }

  /** What keys there are, in the order they came. */
  list(): KeyInfo[] {
    return [...this.#keys.values()].map(({ type, name, size }) => ({ type, name, size }));
  }

  read(type: KeyType, name: string): Buffer | undefined {
    const key = this.#keys.get(`${type}:${name}`);
    if (key === undefined) return undefined;
    const copy = Buffer.alloc(key.size);
    key.bytes.copy(copy);
    return copy;
  }
}

/** Whether a word is a type of key. */
export function isKeyType(type: string): type is KeyType {
  return (KEY_TYPES as readonly string[]).includes(type);
}
