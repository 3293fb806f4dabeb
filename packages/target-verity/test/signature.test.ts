import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createEngine, Random } from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { temporaryFolder } from '../../../tools/temporary.ts';
import { verityTarget } from '../src/index.ts';

const run = promisify(execFile);
const ROOT = 'ab'.repeat(32);

/** A key with a certificate of its own, and signatures by it. */
class Authority {
  readonly #folder: string;
  readonly #name: string;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  async make(kind: string): Promise<string> {
    const [algorithm, ...options] = kind.split(' ');
    const words = ['-newkey', algorithm!, ...options.flatMap((option) => ['-pkeyopt', option])];
    const files = ['-keyout', `${this.#name}.key`, '-out', `${this.#name}.pem`];
    await this.#openssl('req', '-x509', '-nodes', '-subj', `/CN=${this.#name}`, ...words, ...files);
    return readFile(join(this.#folder, `${this.#name}.pem`), 'latin1');
  }

  async sign(content: string, ...options: readonly string[]): Promise<Buffer> {
    await writeFile(join(this.#folder, 'content'), content);
    const key = ['-signer', `${this.#name}.pem`, '-inkey', `${this.#name}.key`];
    await this.#openssl(
      'cms',
      '-sign',
      '-binary',
      '-in',
      'content',
      ...key,
      '-outform',
      'der',
      '-out',
      'sig',
      ...options,
    );
    return readFile(join(this.#folder, 'sig'));
  }

  async #openssl(...words: readonly string[]): Promise<void> {
    await run('openssl', [...words], { cwd: this.#folder });
  }
}

/** Loads a table with a signature; resolves to the table as it is shown. */
async function load(certificates: readonly string[], signature: Uint8Array | undefined): Promise<string> {
  const types = [
    ram,
    verityTarget({ certificates, signatureOf: (name) => (name === 'mine' ? signature : undefined) }),
  ];
  const engine = createEngine({ types });
  try {
    const table = `0 8 verity 1 ram:1M ram:1M 512 512 8 0 sha256 ${ROOT} - 2 root_hash_sig_key_desc mine`;
    await engine.create('x', { table, readOnly: true });
    const [row] = await engine.table('x');
    return row!.params;
  } finally {
    await engine.close();
  }
}

describe.skipIf(!peer('openssl'))('signature of the root hash', () => {
  it.each([
    ['RSA', 'rsa:2048', ['-noattr', '-nocerts', '-md', 'sha256']],
    ['RSA, with attributes and certificate', 'rsa:2048', ['-md', 'sha512']],
    ['an elliptic curve', 'ec ec_paramgen_curve:P-256', ['-noattr', '-md', 'sha384']],
  ])('%s', async (_, kind, options) => {
    const folder = await temporaryFolder();
    const authority = new Authority(folder, 'good');
    const other = new Authority(folder, 'other');
    const [certificate, otherCertificate] = [await authority.make(kind), await other.make('rsa:2048')];
    const signature = await authority.sign(ROOT, ...options);
    expect(await load([otherCertificate, certificate], signature)).toMatch(/ 2 root_hash_sig_key_desc mine$/);
    const refused = { code: 'EILSEQ', message: expect.stringContaining('Root hash verification failed') };
    await expect(load([otherCertificate], signature)).rejects.toMatchObject(refused);
    await expect(load([], signature)).rejects.toMatchObject(refused);
    const ofAnother = await authority.sign(ROOT.replace('a', 'b'), ...options);
    await expect(load([certificate], ofAnother)).rejects.toMatchObject(refused);
  });

  it('with any byte changed is another, or none', async () => {
    const authority = new Authority(await temporaryFolder(), 'good');
    const certificate = await authority.make('rsa:2048');
    const signature = await authority.sign(ROOT, '-nocerts', '-md', 'sha256');
    let taken = 0;
    for (let at = 0; at < signature.length; at += 3) {
      const bytes = Buffer.from(signature);
      bytes[at]! ^= 0x11;
      const result = await load([certificate], bytes).catch(
        (error: unknown) => (error as { code: string }).code,
      );
      if (result.length > 8) taken++;
      else expect(result).toMatch(/^(EINVAL|EILSEQ)$/);
    }
    // Who signed is written there too, and is not what counts.
    expect(taken).toBeLessThan(signature.length / 6);
    for (let length = 0; length < signature.length; length += 7)
      await expect(load([certificate], signature.subarray(0, length))).rejects.toMatchObject({
        code: 'EINVAL',
      });
  });

  it('is not of a key that signs otherwise, and goes on to the next certificate', async () => {
    const folder = await temporaryFolder();
    const [good, other] = [new Authority(folder, 'good'), new Authority(folder, 'other')];
    const [certificate, edwards] = [await good.make('rsa:2048'), await other.make('ed25519')];
    const signature = await good.sign(ROOT, '-md', 'sha256');
    expect(await load([edwards, certificate], signature)).toMatch(/ 2 root_hash_sig_key_desc mine$/);
    await expect(load([edwards], signature)).rejects.toMatchObject({ code: 'EILSEQ' });
  });

  it('by SHA-1 is too weak', async () => {
    const authority = new Authority(await temporaryFolder(), 'good');
    const certificate = await authority.make('rsa:2048');
    const signature = await authority.sign(ROOT, '-md', 'sha1');
    await expect(load([certificate], signature)).rejects.toMatchObject({ code: 'EILSEQ' });
  });

  it('whose lengths lie is none, and ends', async () => {
    const authority = new Authority(await temporaryFolder(), 'good');
    const certificate = await authority.make('rsa:2048');
    const signature = await authority.sign(ROOT, '-nocerts', '-md', 'sha256');
    const random = new Random(11);
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.from(signature);
      // Runs of lengths: long ones, none, those of BER.
      for (let at = 0; at < 3; at++)
        bytes[random.below(60)] = random.pick([0, 0x7f, 0x80, 0x81, 0x84, 0x88, 0xff]);
      const code = await load([certificate], bytes).then(
        () => 'ok',
        (error: unknown) => (error as { code: string }).code,
      );
      expect(code).toMatch(/^(ok|EINVAL|EILSEQ)$/);
    }
    for (const bytes of [[], [0x30], [0x30, 0x80, 0, 0], [0x30, 0x84, 0xff, 0xff, 0xff, 0xff], [0x30, 0x00]])
      await expect(load([certificate], Uint8Array.from(bytes))).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('is missing', async () => {
    await expect(load([], undefined)).rejects.toMatchObject({
      code: 'ENOKEY',
      message: expect.stringContaining('DM Verity Sig Verification Invalid key specified'),
    });
  });
});

it('a certificate that is none is told at once', () => {
  expect(() => verityTarget({ certificates: ['none'] })).toThrow();
});
