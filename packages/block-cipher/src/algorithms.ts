import { createHash, getCiphers, getHashes } from 'node:crypto';
import { fail } from '@interposer/core';

/** A block cipher: the kernel's name is the key of the table below. */
export interface BlockCipher {
  /** Bytes. */
  readonly blockSize: number;
  /** Bytes, ascending. */
  readonly keySizes: readonly number[];
  /** OpenSSL's name without the mode. */
  openssl(keySize: number): string;
}

const AES_SIZES = [16, 24, 32];

const BLOCK_CIPHERS: Readonly<Record<string, BlockCipher>> = {
  aes: { blockSize: 16, keySizes: AES_SIZES, openssl: (keySize) => `aes-${keySize * 8}` },
  aria: { blockSize: 16, keySizes: AES_SIZES, openssl: (keySize) => `aria-${keySize * 8}` },
  camellia: { blockSize: 16, keySizes: AES_SIZES, openssl: (keySize) => `camellia-${keySize * 8}` },
  des3_ede: { blockSize: 8, keySizes: [24], openssl: () => 'des-ede3' },
  sm4: { blockSize: 16, keySizes: [16], openssl: () => 'sm4' },
};

/** What the kernel may have and OpenSSL's default provider has not: to be told from a name that nobody knows. */
const KERNEL_ONLY: ReadonlySet<string> = new Set(
  (
    'adiantum aegis128 anubis arc4 authencesn blowfish cast5 cast6 ccm cfb chacha12 chacha20 cmac cts des fcrypt hctr2 ' +
    'khazad ofb pcbc rfc3686 rfc4106 rfc4309 rfc4543 rfc7539esp seed serpent tea twofish vmac xcbc xchacha12 xchacha20 xctr xeta xtea ' +
    'blake2b-160 blake2b-256 blake2b-384 crc32 ghash md4 michael_mic rmd128 rmd256 rmd320 streebog256 streebog512 ' +
    'tgr128 tgr160 tgr192 wp256 wp384 wp512 xxhash64'
  ).split(' '),
);

/** Kernel names of digests that OpenSSL calls otherwise. */
const DIGEST_NAMES: Readonly<Record<string, string>> = {
  'blake2b-512': 'blake2b512',
  'blake2s-256': 'blake2s256',
  rmd160: 'ripemd160',
};

/** The kernel's text for an algorithm that it cannot find. */
export const NO_ALGORITHM = 'Error allocating crypto tfm';

/** The error for a name that cannot be served: ENOTSUP if the kernel could, ENOENT if it could not either. */
export function noAlgorithm(name: string, within: string): Error {
  if (KERNEL_ONLY.has(name) || Object.hasOwn(BLOCK_CIPHERS, name)) {
    return fail('ENOTSUP', `${name} (in ${within}) is not among the algorithms of this Node's OpenSSL`);
  }
  return fail('ENOENT', `${NO_ALGORITHM}: ${name} (in ${within}) is not known`);
}

/** The cipher of that kernel name. ENOTSUP or ENOENT; `within` is for the text. */
export function blockCipher(name: string, within: string): BlockCipher {
  const found = Object.hasOwn(BLOCK_CIPHERS, name) ? BLOCK_CIPHERS[name] : undefined;
  const wanted = found && `${found.openssl(found.keySizes.at(-1)!)}-ecb`;
  if (wanted === undefined || !getCiphers().includes(wanted)) throw noAlgorithm(name, within);
  return found!;
}

/** OpenSSL's name of a cipher that authenticates by itself. */
export function aeadName(cipher: string, mode: 'gcm' | 'poly1305', keySize: number, within: string): string {
  return mode === 'poly1305' ? 'chacha20-poly1305' : `${blockCipher(cipher, within).openssl(keySize)}-gcm`;
}

/** Throws ENOTSUP or ENOENT if there is no such cipher. */
export function checkAead(cipher: string, mode: 'gcm' | 'poly1305', within: string): void {
  const keySize = mode === 'gcm' ? blockCipher(cipher, within).keySizes.at(-1)! : 0;
  if (getCiphers().includes(aeadName(cipher, mode, keySize, within))) return;
  throw fail(
    'ENOTSUP',
    `${mode} of ${cipher} (in ${within}) is not among the algorithms of this Node's OpenSSL`,
  );
}

/** A digest: OpenSSL's name and the bytes it gives. */
export interface Digest {
  readonly openssl: string;
  readonly size: number;
}

/** The digest of that kernel name. ENOTSUP or ENOENT. */
export function digest(name: string, within: string): Digest {
  const openssl = DIGEST_NAMES[name] ?? name;
  // OpenSSL also knows its own names for a digest joined with a signature, and digests of any length.
  const plain = /^(?:md5|sm3|sha[0-9-]+|ripemd160|blake2[bs]\d+)$/.test(openssl);
  if (!plain || !getHashes().includes(openssl)) throw noAlgorithm(name, within);
  return { openssl, size: createHash(openssl).digest().length };
}
