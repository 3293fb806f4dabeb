import { fail } from '@interposer/core';
import { blockCipher, checkAead, digest, NO_ALGORITHM } from './algorithms.ts';
import { readAlgorithm, type Algorithm } from './crypto-api.ts';

/** How a cipher goes over the blocks of a sector. `gcm` and `poly1305` authenticate too. */
export type CipherMode = 'cbc' | 'ctr' | 'ecb' | 'gcm' | 'lrw' | 'poly1305' | 'xts';

const IV_KINDS = [
  'benbi',
  'eboiv',
  'elephant',
  'essiv',
  'lmk',
  'null',
  'plain',
  'plain64',
  'plain64be',
  'random',
  'tcw',
] as const;

/** How the initial vector of a sector is made. Kernel: dm-crypt.rst. */
export type IvKind = (typeof IV_KINDS)[number];

/** What a cipher specification says. */
export interface CipherSpec {
  /** As it was given. */
  readonly text: string;
  /** The kernel's name: `aes`, `camellia`, `aria`, `sm4`, `des3_ede`, `cipher_null`, `chacha20`. */
  readonly cipher: string;
  readonly mode: CipherMode;
  /** Keys that the sectors take in turn; a power of two. */
  readonly keyCount: number;
  /** None where the mode takes none (ecb). */
  readonly iv: IvKind | undefined;
  /** The kernel's name of the digest of essiv. */
  readonly ivHash: string | undefined;
  /** Of authenc: the kernel's name of the digest of the HMAC. */
  readonly mac: string | undefined;
  /** Bytes; 1 for a stream. */
  readonly blockSize: number;
  /** Bytes; 0 for ecb. */
  readonly ivSize: number;
  /** Sectors have tags, or IVs that must be kept: it wants `openTaggedCipher` and integrity space. */
  readonly tagged: boolean;
}

/** What an algorithm is, and the rest of a specification. */
interface Parts {
  readonly algorithm: Algorithm;
  readonly keyCount: number;
  readonly iv: string | undefined;
}

/** How a specification is meant. */
export interface SpecOptions {
  /** The table says `integrity:N:aead`: the algorithm authenticates, and only the form `capi:` names such. */
  readonly aead?: boolean;
}

const AEAD_IV_SIZE = 12;

/**
 * Reads a cipher specification of dm-crypt: `cipher[:keycount]-mode-iv[:ivopts]`, a bare `cipher` (cbc-plain), or
 * `capi:algorithm-iv[:ivopts]`. Kernel: crypt_ctr_cipher. Errors: EINVAL and ENOENT with the kernel's texts, ENOTSUP for what the
 * kernel may have and the OpenSSL of this Node has not.
 */
export function parseCipherSpec(text: string, { aead = false }: SpecOptions = {}): CipherSpec {
  const parts = text.startsWith('capi:') ? readNew(text) : readOld(text, aead);
  const { algorithm, keyCount } = parts;
  const authenticates =
    algorithm.mac !== undefined || algorithm.mode === 'gcm' || algorithm.mode === 'poly1305';
  if (authenticates !== aead) {
    throw fail(
      'ENOENT',
      `${NO_ALGORITHM}: ${text} ${aead ? 'does not authenticate' : 'wants integrity:N:aead'}`,
    );
  }
  const sizes = sizesOf(algorithm, text);
  const iv = sizes.ivSize === 0 ? undefined : ivKind(parts.iv, text);
  const spec = { text, ...algorithm, ...sizes, keyCount, iv, tagged: authenticates || iv === 'random' };
  checkIv(spec);
  return Object.freeze(spec);
}

function readOld(text: string, aead: boolean): Parts {
  if (text.includes('(') || aead) throw fail('EINVAL', `Bad cipher specification: ${text}`);
  const [first = '', second, ...rest] = text.split('-');
  const [cipher = '', ...counts] = first.split(':');
  const keyCount = counts.length === 0 ? 1 : readKeyCount(counts.join(':'));
  const [ivWord, ...options] = rest.length === 0 ? [] : rest.join('-').split(':');
  const bare = second === undefined || (second === 'plain' && ivWord === undefined);
  const mode = bare ? 'cbc' : second;
  const iv = bare ? 'plain' : ivWord;
  if (iv === undefined && mode !== 'ecb') throw fail('EINVAL', `IV mechanism required: ${text}`);
  return { algorithm: readAlgorithm(withEssiv(`${mode}(${cipher})`, iv, options), text), keyCount, iv };
}

function readNew(text: string): Parts {
  let rest = text.slice('capi:'.length);
  let options: string[] = [];
  const colon = rest.lastIndexOf(':');
  if (colon >= 0) {
    options = [rest.slice(colon + 1)];
    rest = rest.slice(0, colon);
  }
  const dash = rest.lastIndexOf('-');
  const iv = dash < 0 ? undefined : rest.slice(dash + 1);
  const algorithm = readAlgorithm(withEssiv(dash < 0 ? rest : rest.slice(0, dash), iv, options), text);
  // The kernel would take whatever lies in the memory of the request.
  if (iv === undefined && algorithm.mode !== 'ecb') throw fail('EINVAL', `IV mechanism required: ${text}`);
  return { algorithm, keyCount: iv === 'lmk' ? 64 : 1, iv };
}

/** The kernel has ESSIV done by its crypto interface: a template around the algorithm. */
function withEssiv(api: string, iv: string | undefined, options: readonly string[]): string {
  if (iv !== 'essiv') return api;
  if (options.length === 0) throw fail('EINVAL', `Digest algorithm missing for ESSIV mode: ${api}`);
  return `essiv(${api},${options.join(':')})`;
}

function readKeyCount(text: string): number {
  const count = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (Number.isInteger(Math.log2(count)) && count <= 65536) return count;
  throw fail('EINVAL', `Bad cipher key count specification: ${text} is not a power of two`);
}

function ivKind(name: string | undefined, text: string): IvKind {
  const kind = IV_KINDS.find((known) => known === name);
  if (kind === undefined) throw fail('EINVAL', `Invalid IV mode: ${text}; one of ${IV_KINDS.join(', ')}`);
  return kind;
}

function sizesOf({ cipher, mode, ivHash }: Algorithm, text: string): { blockSize: number; ivSize: number } {
  if (cipher === 'cipher_null') return { blockSize: 1, ivSize: 0 };
  const stream = mode === 'poly1305' || mode === 'gcm';
  if (stream && ivHash !== undefined)
    throw fail('ENOENT', `${NO_ALGORITHM}: essiv around ${mode} (in ${text})`);
  if (stream) {
    checkAead(cipher, mode, text);
    return { blockSize: 1, ivSize: AEAD_IV_SIZE };
  }
  const { blockSize, keySizes } = blockCipher(cipher, text);
  if ((mode === 'xts' || mode === 'lrw') && blockSize !== 16) {
    throw fail('EINVAL', `${NO_ALGORITHM}: ${mode} wants blocks of 16 bytes, which ${cipher} has not`);
  }
  const ivSize = mode === 'ecb' ? 0 : blockSize;
  if (ivHash !== undefined) {
    // Kernel: essiv_supported_algorithms.
    const { size } = digest(ivHash, text);
    const fits = ivSize > 0 && size >= keySizes[0]! && size <= keySizes.at(-1)!;
    if (!fits)
      throw fail('ENOENT', `${NO_ALGORITHM}: ${ivHash} does not fit the keys of ${cipher} (in ${text})`);
  }
  return { blockSize: mode === 'ctr' ? 1 : blockSize, ivSize };
}

/** What the IV generators ask of the cipher. */
function checkIv({ iv, blockSize, ivSize, mac, text, tagged }: CipherSpec): void {
  if (mac !== undefined) digest(mac, text);
  if (iv === 'eboiv' || iv === 'elephant') {
    if (tagged) throw fail('EINVAL', `AEAD transforms not supported for EBOIV: ${text}`);
    if (blockSize !== ivSize) {
      throw fail('EINVAL', `Block size of EBOIV cipher does not match IV size of block cipher: ${text}`);
    }
  }
  if (tagged && (iv === 'lmk' || iv === 'tcw')) {
    throw fail('ENOTSUP', `${iv} together with an algorithm that authenticates: ${text}`);
  }
}
