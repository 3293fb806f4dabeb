import { describe, expect, it } from 'vitest';
import { openSectorCipher, parseCipherSpec } from '../src/index.ts';
import { IvTable } from '../src/iv-table.ts';
import { openMode } from '../src/modes.ts';
import { readOptions } from '../src/options.ts';
import { Span } from '../src/span.ts';
import { ENGINES, fromHex, toHex } from './engines.ts';

/** Known answers: spec, key, IV offset, data (the sector goes on with zeroes), what it begins with afterwards. */
const SECTORS = [
  // IEEE 1619-2007, vectors 1, 2, 3, 4 and 10.
  [
    'aes-xts-plain64',
    '00'.repeat(32),
    0,
    '00'.repeat(32),
    '917cf69ebd68b2ec9b9fe9a3eadda692cd43d2f59598ed858c02c2652fbf922e',
  ],
  [
    'aes-xts-plain64',
    '11'.repeat(16) + '22'.repeat(16),
    0x3333333333,
    '44'.repeat(32),
    'c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0',
  ],
  [
    'aes-xts-plain64',
    'fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0' + '22'.repeat(16),
    0x3333333333,
    '44'.repeat(32),
    'af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89',
  ],
  [
    'aes-xts-plain64',
    '2718281828459045235360287471352631415926535897932384626433832795',
    0,
    '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    '27a7479befa1d476489f308cd4cfa6e2a96e4bbe3208ff25287dd3819616e89c',
  ],
  [
    'aes-xts-plain64',
    '2718281828459045235360287471352662497757247093699959574966967627' +
      '3141592653589793238462643383279502884197169399375105820974944592',
    0xff,
    '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    '1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b',
  ],
  // IEEE 1619 draft, LRW-32-AES, vector 1.
  [
    'aes-lrw-benbi',
    '4562ac25f828176d4c268414b5680185258e2a05e73e9d03ee5a830ccc094c87',
    0,
    '30313233343536373839414243444546',
    'f1b273cd65a3df5fe95d489254634eb8',
  ],
  // NIST SP 800-38A, F.1.1, F.1.3 and F.1.5.
  [
    'aes-ecb',
    '2b7e151628aed2a6abf7158809cf4f3c',
    0,
    '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51',
    '3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf',
  ],
  [
    'aes-ecb',
    '8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b',
    0,
    '6bc1bee22e409f96e93d7e117393172a',
    'bd334f1d6e45f25ff712a214571fa5cc',
  ],
  [
    'aes-ecb',
    '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
    0,
    '6bc1bee22e409f96e93d7e117393172a',
    'f3eed1bdb5d2a03c064b5a7e3db181f8',
  ],
  // RFC 3713.
  [
    'camellia-ecb',
    '0123456789abcdeffedcba9876543210',
    0,
    '0123456789abcdeffedcba9876543210',
    '67673138549669730857065648eabe43',
  ],
  [
    'camellia-ecb',
    '0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff',
    0,
    '0123456789abcdeffedcba9876543210',
    '9acc237dff16d76c20ef7c919e3a7509',
  ],
  // RFC 5794.
  [
    'aria-ecb',
    '000102030405060708090a0b0c0d0e0f',
    0,
    '00112233445566778899aabbccddeeff',
    'd718fbd6ab644c739da95f3be6451778',
  ],
  // GB/T 32907.
  [
    'sm4-ecb',
    '0123456789abcdeffedcba9876543210',
    0,
    '0123456789abcdeffedcba9876543210',
    '681edf34d206965e86b3e94f536e4246',
  ],
  // NIST SP 800-67, B.1.
  [
    'des3_ede-ecb',
    '0123456789abcdef23456789abcdef01456789abcdef0123',
    0,
    '5468652071756663',
    'a826fd8ce53b855f',
  ],
] as const;

/** NIST SP 800-38A: mode, key, IV, clear, encrypted. */
const CLEAR =
  '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710';
const COUNTER = 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff';
const NIST = [
  [
    'aes-cbc-null',
    '2b7e151628aed2a6abf7158809cf4f3c',
    '000102030405060708090a0b0c0d0e0f',
    '7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b273bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7',
  ],
  [
    'aes-cbc-null',
    '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
    '000102030405060708090a0b0c0d0e0f',
    'f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b',
  ],
  [
    'aes-ctr-null',
    '2b7e151628aed2a6abf7158809cf4f3c',
    COUNTER,
    '874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee',
  ],
  [
    'aes-ctr-null',
    '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
    COUNTER,
    '601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6',
  ],
] as const;

describe.each(ENGINES)('%s: known answers of the standards', (engine) => {
  it.each(SECTORS)('%s %s', (spec, key, ivOffset, clear, encrypted) => {
    const cipher = openSectorCipher(parseCipherSpec(spec), fromHex(key), { engine, ivOffset });
    const sector = new Uint8Array(512);
    sector.set(fromHex(clear));
    cipher.encrypt(sector, 0, sector, 0, 512, 0);
    expect(toHex(sector.subarray(0, encrypted.length / 2))).toBe(encrypted);
    cipher.decrypt(sector, 0, sector, 0, 512, 0);
    expect(toHex(sector.subarray(0, clear.length / 2))).toBe(clear);
    cipher.wipe();
  });

  it.each(NIST)('%s %s', (text, key, iv, encrypted) => {
    const spec = parseCipherSpec(text);
    const mode = openMode({
      engine: readOptions({ engine }).engine,
      spec,
      key: fromHex(key),
      sectorSize: 64,
    });
    const ivs = new IvTable(16);
    const data = fromHex(CLEAR);
    ivs.bytes.set(fromHex(iv));
    const span = new Span().set(data, 0, data, 0, data.length, 0);
    mode.run(true, span, 1, ivs);
    expect(toHex(data)).toBe(encrypted);
    ivs.bytes.set(fromHex(iv));
    mode.run(false, span, 1, ivs);
    expect(toHex(data)).toBe(CLEAR);
    mode.close();
  });
});
