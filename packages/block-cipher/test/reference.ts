import { createCipheriv } from 'node:crypto';

/** What a reference takes: OpenSSL's name without the mode, and everything else by its definition. */
export interface ReferenceCase {
  readonly algorithm: string;
  readonly mode: 'cbc' | 'ctr' | 'ecb' | 'xts';
  readonly key: Uint8Array;
  readonly sectorSize: number;
}

const MASK = (1n << 128n) - 1n;

/** Encrypts sectors as the definitions say, a cipher object for each, slowly. `ivOf`: the IV of the sector of that index. */
export function encryptByDefinition(
  { algorithm, mode, key, sectorSize }: ReferenceCase,
  data: Uint8Array,
  ivOf: (index: number) => Uint8Array,
): Uint8Array {
  const result = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at += sectorSize) {
    const sector = data.subarray(at, at + sectorSize);
    const iv = ivOf(at / sectorSize);
    result.set(
      mode === 'xts' ? xts(algorithm, key, iv, sector) : run(`${algorithm}-${mode}`, key, mode, iv, sector),
      at,
    );
  }
  return result;
}

function run(name: string, key: Uint8Array, mode: string, iv: Uint8Array, data: Uint8Array): Buffer {
  const cipher = createCipheriv(name, key, mode === 'ecb' ? null : iv);
  cipher.setAutoPadding(false);
  return cipher.update(data);
}

function xts(algorithm: string, key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  const half = key.length / 2;
  const name = `${algorithm}-ecb`;
  let tweak = numberOf(run(name, key.subarray(half), 'ecb', iv, iv));
  const result = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at += 16) {
    const block = bytesOf(numberOf(data.subarray(at, at + 16)) ^ tweak);
    const encrypted = numberOf(run(name, key.subarray(0, half), 'ecb', iv, block)) ^ tweak;
    result.set(bytesOf(encrypted), at);
    tweak = ((tweak << 1n) & MASK) ^ (tweak >> 127n === 1n ? 0x87n : 0n);
  }
  return result;
}

/** LRW with AES of the blocks from an index on. `key`: cipher key and 16 bytes of the mask. */
export function lrwByDefinition(key: Uint8Array, index: bigint, data: Uint8Array): Uint8Array {
  const maskKey = BigInt(`0x${Buffer.from(key.subarray(-16)).toString('hex')}`);
  const name = `aes-${(key.length - 16) * 8}-ecb`;
  const result = Buffer.alloc(data.length);
  for (let at = 0; at < data.length; at += 16) {
    const mask = bytesOf(product(maskKey, index + BigInt(at / 16))).reverse();
    const block = data.slice(at, at + 16).map((byte, place) => byte ^ mask[place]!);
    const encrypted = run(name, key.subarray(0, -16), 'ecb', block, block);
    result.set(
      encrypted.map((byte, place) => byte ^ mask[place]!),
      at,
    );
  }
  return result;
}

/** In GF(2^128). */
function product(a: bigint, b: bigint): bigint {
  let [sum, power] = [0n, a];
  for (let rest = b; rest > 0n; rest >>= 1n) {
    if (rest & 1n) sum ^= power;
    power = ((power << 1n) & MASK) ^ (power >> 127n === 1n ? 0x87n : 0n);
  }
  return sum;
}

/** Least significant byte first. */
function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}

function bytesOf(value: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(32, '0'), 'hex').reverse());
}

/** The IV plain64 of a sector number. */
export function plain64(number: number, size: number): Uint8Array {
  const iv = Buffer.alloc(size);
  iv.writeBigUInt64LE(BigInt(number));
  return iv;
}
