import { describe, expect, it } from 'vitest';
import { nodeArgon2, packageArgon2 } from '../src/argon2.ts';
import { checkKdf, defaultKdf, deriveKey, type Kdf } from '../src/kdf.ts';

const text = (value: string): Buffer => Buffer.from(value);

describe('pbkdf2', () => {
  // RFC 6070, and for SHA-256 the vector of RFC 7914.
  it.each([
    ['sha1', 'password', 'salt', 4096, '4b007901b765489abead49d926f721d065a429c1'],
    [
      'sha256',
      'Password',
      'NaCl',
      80_000,
      '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56',
    ],
  ])('%s gives what the standards say', async (hash, passphrase, salt, iterations, expected) => {
    const kdf: Kdf = { type: 'pbkdf2', hash, iterations };
    const key = await deriveKey(kdf, text(passphrase), text(salt), expected.length / 2);
    expect(key.toString('hex')).toBe(expected);
  });
});

// Vectors of the reference implementation, phc-winner-argon2, test.c, version 0x13.
const VECTORS = [
  ['argon2i', 2, 2 ** 16, 1, 'c1628832147d9720c5bd1cfd61367078729f6dfb6f8fea9ff98158e0d7816ed0'],
  ['argon2i', 2, 2 ** 8, 2, '4ff5ce2769a1d7f4c8a491df09d41a9fbe90e5eb02155a13e4c01e20cd4eab61'],
  ['argon2id', 2, 2 ** 16, 1, '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7'],
  ['argon2id', 2, 2 ** 8, 2, '6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037'],
] as const;

describe('argon2', () => {
  it.each(VECTORS)(
    '%s t=%i m=%i p=%i gives what the reference says',
    async (type, time, memory, cpus, expected) => {
      const request = {
        type,
        time,
        memory,
        cpus,
        passphrase: text('password'),
        salt: text('somesalt'),
        bytes: 32,
      };
      const implementations = [await packageArgon2(), ...[nodeArgon2()].filter((one) => one !== undefined)];
      for (const argon2 of implementations) expect((await argon2(request)).toString('hex')).toBe(expected);
      const { passphrase, salt } = request;
      expect((await deriveKey({ type, time, memory, cpus }, passphrase, salt, 32)).toString('hex')).toBe(
        expected,
      );
    },
  );

  it('of this Node and of the package agree on what LUKS asks for', async () => {
    const node = nodeArgon2() ?? (await packageArgon2());
    const other = await packageArgon2();
    for (const type of ['argon2i', 'argon2id'] as const) {
      for (const [time, memory, cpus, bytes] of [
        [4, 32, 4, 64],
        [1, 100, 1, 16],
        [5, 999, 3, 96],
      ] as const) {
        const request = {
          type,
          time,
          memory,
          cpus,
          bytes,
          passphrase: Buffer.alloc(0),
          salt: Buffer.alloc(32, 7),
        };
        expect(await node(request)).toEqual(await other(request));
      }
    }
  });

  it('takes the memory that cryptsetup asks for by default', async () => {
    const kdf: Kdf = { type: 'argon2id', time: 1, memory: 2 ** 20, cpus: 4 };
    const key = await deriveKey(kdf, text('password'), Buffer.alloc(32, 7), 64);
    // Recorded from hash-wasm 4.13, a third implementation.
    expect(key.toString('hex')).toBe(RECORDED);
  }, 60_000);
});

const RECORDED =
  '91e67f59d375f952e2267f984ac955746182fc1a014728cb6338ffd1ded5b0a2036686a39aea7eb057092c94f2045275398491de43282d4162568ce836736ddf';

describe('limits', () => {
  it.each<[string, Kdf, object]>([
    ['no iterations', { type: 'pbkdf2', hash: 'sha256', iterations: 0 }, {}],
    [
      'more iterations than the limit',
      { type: 'pbkdf2', hash: 'sha256', iterations: 1001 },
      { iterations: 1000 },
    ],
    ['more memory than the limit', { type: 'argon2id', time: 4, memory: 1025, cpus: 4 }, { memory: 1024 }],
    ['more memory than cryptsetup allows', { type: 'argon2id', time: 4, memory: 2 ** 22 + 1, cpus: 4 }, {}],
    ['too little memory', { type: 'argon2i', time: 4, memory: 31, cpus: 4 }, {}],
    ['no lanes', { type: 'argon2i', time: 4, memory: 1024, cpus: 0 }, {}],
    ['no passes', { type: 'argon2i', time: 0, memory: 1024, cpus: 1 }, {}],
    ['part of a pass', { type: 'argon2i', time: 1.5, memory: 1024, cpus: 1 }, {}],
  ])('refuse %s', async (_what, kdf, limits) => {
    await expect(deriveKey(kdf, text('x'), Buffer.alloc(32), 32, limits)).rejects.toMatchObject({
      code: 'EINVAL',
    });
  });

  it('allow the default', () => {
    expect(() => {
      checkKdf(defaultKdf());
    }).not.toThrow();
  });
});
