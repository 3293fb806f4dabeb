import { fail, isKeyType, KEY_TYPES, type KeySource } from '@interposer/core';

const NO_KEY = '-';

/** The kernel's text for every key that cannot be used. */
const REFUSED = 'Error decoding and setting key';

/** What a key word of a table or message says, apart from the key itself. */
type KeyWord =
  | { readonly kind: 'hex'; readonly size: number }
  | { readonly kind: 'ring'; readonly size: number; readonly type: string; readonly name: string };

/** The key of a target: its bytes, and where they are from. Kernel: get_key_size, crypt_set_key. */
export class VolumeKey {
  /** Zeroes once it has been wiped. */
  readonly bytes: Buffer;
  /** `:SIZE:TYPE:NAME` where it is from a key ring. */
  #reference: string | null;

  private constructor(bytes: Buffer, reference: string | null) {
    this.bytes = bytes;
    this.#reference = reference;
  }

  /**
   * The key of `HEX`, `-` or `:SIZE:TYPE:NAME`. EINVAL for what is none of these, ENOKEY for what is not in the ring. No message
   * tells anything of a key that stands in the table.
   */
  static read(word: string, ring: KeySource): VolumeKey {
    const parsed = parseWord(word);
    if (parsed.kind === 'hex') return new VolumeKey(decode(word, parsed.size), null);
    const { size, type, name } = parsed;
    return new VolumeKey(lookUp(size, type, name, ring), `:${String(size)}:${type}:${name}`);
  }

  get size(): number {
    return this.bytes.length;
  }

  /** As the kernel shows it, or with a zero for each character of a key, as dmsetup shows it. */
  text(showKeys: boolean): string {
    if (this.#reference !== null) return this.#reference;
    if (!showKeys) return '0'.repeat(Math.max(1, this.size * 2));
    return this.size === 0 ? NO_KEY : this.bytes.toString('hex');
  }

  /** Forgets bytes that can be read from the ring again, once the cipher has them. */
  forgetReferenced(): void {
    if (this.#reference !== null) this.bytes.fill(0);
  }

  /** Forgets the key and where it was from. */
  wipe(): void {
    this.bytes.fill(0);
    this.#reference = null;
  }
}

/** How many bytes a key word stands for. */
export function keySizeOf(word: string): number {
  return parseWord(word).size;
}

function parseWord(word: string): KeyWord {
  if (!word.startsWith(':')) return { kind: 'hex', size: Math.floor(word.length / 2) };
  const [, digits, type = '', name = ''] = /^:(\d{1,6}):([^:]*)(?::(.*))?$/s.exec(word) ?? [];
  if (digits === undefined) {
    throw fail('EINVAL', 'Cannot parse key size: a key of a key ring is :<size>:<type>:<name>');
  }
  return { kind: 'ring', size: Number(digits), type, name };
}

function decode(word: string, size: number): Buffer {
  if (word === NO_KEY) return Buffer.alloc(0);
  if (word.length % 2 !== 0 || !/^[\da-f]+$/i.test(word)) {
    throw fail('EINVAL', `${REFUSED}: it is not hexadecimal, with two digits for each byte`);
  }
  const bytes = Buffer.alloc(size);
  bytes.write(word, 'hex');
  return bytes;
}

function lookUp(size: number, type: string, name: string, ring: KeySource): Buffer {
  if (!isKeyType(type) || name === '') {
    throw fail(
      'EINVAL',
      `${REFUSED}: a key of a key ring is :<size>:<type>:<name>, with the type ${KEY_TYPES.join(', ')}`,
    );
  }
  const bytes = ring.read(type, name);
  if (bytes === undefined)
    throw fail('ENOKEY', `${REFUSED}: there is no key ${type}:${name} in the key ring`);
  if (bytes.length === size) return bytes;
  bytes.fill(0);
  throw fail(
    'EINVAL',
    `${REFUSED}: the key ${type}:${name} has ${String(bytes.length)} bytes, not ${String(size)}`,
  );
}
