import { copyFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { peer, runPeer } from '../../../tools/peers.ts';
import { temporaryFolder } from '../../../tools/temporary.ts';
import { Workbench } from './in-process.ts';

let bench: Workbench;
let folder: string;

const at = (name: string): string => join(folder, name);
const rootIn = (text: string): string => /Root hash:\s+(\w+)/.exec(text)![1]!;

beforeEach(async () => {
  folder = await temporaryFolder();
  bench = new Workbench(folder);
  await writeFile(at('data'), Buffer.alloc(300 * 4096, 'not the same everywhere, '));
});

/** Changes a byte of a file. */
async function damage(name: string, position: number): Promise<void> {
  const bytes = await readFile(at(name));
  bytes[position]! ^= 1;
  await writeFile(at(name), bytes);
}

describe('verity', () => {
  it('formats, dumps and verifies', async () => {
    const text = await bench.ok('verity', 'format', 'data', 'hash', '--root-hash-file', 'root');
    expect(await bench.ok('verity', 'dump', 'hash')).toBe(text.replace(/Root hash:.*\n/, ''));
    expect(await readFile(at('root'), 'latin1')).toBe(rootIn(text));
    expect((await stat(at('hash'))).size).toBe(5 * 4096);
    expect(await bench.ok('verity', 'verify', 'data', 'hash', '--root-hash-file', 'root')).toBe('');
    expect(await bench.ok('verity', 'verify', 'data', 'hash', rootIn(text).toUpperCase())).toBe('');
  });

  it('says where something is wrong', async () => {
    const root = rootIn(await bench.ok('verity', 'format', 'data', 'hash', '--fec-device', 'fec'));
    await damage('data', 5000);
    const words = ['verity', 'verify', 'data', 'hash', root];
    expect(await bench.run([...words])).toMatchObject({
      code: 1,
      stderr: 'Verification failed at position 4096.\nVerification of data area failed.\n',
    });
    const withParity = await bench.run([...words, '--fec-device', 'fec', '--json']);
    expect(withParity.stderr).toContain('Found 1 repairable errors with FEC device.\n');
    expect(JSON.parse(withParity.stdout)).toEqual({
      verified: false,
      mismatch: { kind: 'block', on: 'data', position: 4096 },
      repairable: 1,
    });
    await damage('data', 5000);
    await damage('hash', 8000);
    expect((await bench.run([...words])).stderr).toContain('Spare area is not zeroed at position 4192.');
    await damage('hash', 8000);
    const other = root.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    expect((await bench.run(['verity', 'verify', 'data', 'hash', other])).stderr).toBe(
      'Verification of root hash failed.\n',
    );
  });

  it('tells the line of a table', async () => {
    const made = JSON.parse(
      await bench.ok('verity', 'format', 'data', 'hash', '--salt=-', '--json'),
    ) as Record<string, unknown>;
    expect(made.table).toBe(`0 2400 verity 1 data hash 4096 4096 300 1 sha256 ${String(made.rootHash)} -`);
    expect(made).toMatchObject({ algorithm: 'sha256', dataBlocks: 300, salt: '' });
  });

  it('keeps all on one device', async () => {
    await truncate(at('data'), 2 ** 21);
    const words = ['--hash-offset', '1228800', '--no-superblock', '--salt', 'abcd', '--data-blocks', '300'];
    const parity = ['--fec-device', 'data', '--fec-offset', '1327104', '--fec-roots', '4'];
    const text = await bench.ok('verity', 'format', 'data', 'data', ...words, ...parity);
    expect(await bench.ok('verity', 'verify', 'data', 'data', rootIn(text), ...words, ...parity)).toBe('');
  });

  it('never writes a tree over the data, though its blocks are larger', async () => {
    await truncate(at('data'), 2 ** 21);
    const before = await readFile(at('data'));
    const words = ['--data-block-size', '512', '--data-blocks', '2001', '--hash-offset', String(2001 * 512)];
    const { code, stderr } = await bench.run([
      'verity',
      'format',
      'data',
      'data',
      '--no-superblock',
      ...words,
    ]);
    expect(stderr).toContain('the data overlaps with the tree of hashes');
    expect(code).toBe(1);
    expect((await readFile(at('data'))).equals(before)).toBe(true);
    // The superblock pushes the tree into the next block.
    await bench.ok('verity', 'format', 'data', 'data', ...words, '--root-hash-file', 'root');
    await bench.ok(
      'verity',
      'verify',
      'data',
      'data',
      '--hash-offset',
      words[5]!,
      '--root-hash-file',
      'root',
    );
  });

  it('tells the line of a table with its parity', async () => {
    const words = ['--fec-device', 'fec', '--fec-roots', '4', '--fec-offset', '8192', '--salt=-', '--json'];
    const made = JSON.parse(await bench.ok('verity', 'format', 'data', 'hash', ...words)) as {
      table: string;
    };
    const parity = '8 use_fec_from_device fec fec_blocks 304 fec_start 2 fec_roots 4';
    expect(made.table).toMatch(
      new RegExp(`^0 2400 verity 1 data hash 4096 4096 300 1 sha256 \\w+ - ${parity}$`),
    );
  });

  it.each([
    [['data', 'data'], 'the data overlaps with the tree of hashes'],
    [['data', 'hash', '--hash', 'crc32'], 'hash algorithm crc32 is not supported'],
    [['data', 'hash', '--hash-offset', '700'], '--hash-offset 700: no whole number of sectors'],
    [
      ['data', 'hash', '--fec-device', 'fec', '--fec-offset', '700'],
      '--fec-offset 700: no whole number of sectors',
    ],
    [['data', 'hash', '--data-blocks', '301'], '301 blocks of data are more than the device has: 300'],
    [['data', 'hash', '--data-block-size', '1000'], 'a data block of 1000 bytes is not supported'],
    [['data', 'hash', '--format', '2'], '--format 2: neither 0 nor 1'],
    [['data', 'hash', '--salt', 'xy'], '--salt xy: not hexadecimal, nor - for none'],
    [['data', 'hash', '--uuid', 'me'], '"me" is no UUID'],
    [['data', 'hash', '--fec-device', 'data'], 'the parity would overwrite the data'],
    [['data', 'hash', '--fec-device', 'fec', '--fec-roots', '25'], '25 parity bytes are not in 2..24'],
    [
      ['data', 'hash', '--fec-device', 'fec', '--hash-block-size', '512'],
      'Block sizes must match to use FEC',
    ],
    [['data', 'hash', '--fec-device', 'hash'], 'in front of the tree of hashes'],
    [['none', 'hash'], 'none'],
  ])('format %j: %s', async (words, text) => {
    const before = await readFile(at('data'));
    const { code, stderr } = await bench.run(['verity', 'format', ...words]);
    expect(code).toBe(1);
    expect(stderr).toContain(text);
    expect((await readFile(at('data'))).equals(before)).toBe(true);
  });

  it('refuses what is no image, and a root hash that is none', async () => {
    expect((await bench.run(['verity', 'dump', 'data'])).stderr).toContain('there is no verity superblock');
    await bench.ok('verity', 'format', 'data', 'hash');
    for (const [words, text] of [
      [['hash', 'xyz'], 'the root hash is not hexadecimal'],
      [['hash', 'abcd'], 'a root hash of sha256 has 64 digits'],
      [['hash'], 'the root hash stands behind the devices'],
      [['hash', '--no-superblock', 'abcd'], 'without a superblock --salt says which salt it is'],
      [['hash', '--root-hash-file', 'none'], '--root-hash-file'],
    ] as const) {
      const { code, stderr } = await bench.run(['verity', 'verify', 'data', ...words]);
      expect(code).toBe(1);
      expect(stderr).toContain(text);
    }
  });
});

describe.skipIf(!peer('veritysetup'))('verity and veritysetup', () => {
  it('make the same of the same options', async () => {
    await copyFile(at('data'), at('data2'));
    const words = [
      '--uuid=12345678-1234-1234-1234-123456789abc',
      '--salt=abcdef',
      '--hash=sha512',
      '--fec-roots=5',
    ];
    const ours = await bench.ok('verity', 'format', 'data', 'hash', ...words, '--fec-device', 'fec');
    const { stdout } = await runPeer(
      'veritysetup',
      ['format', 'data2', 'hash2', ...words, '--fec-device=fec2'],
      {
        cwd: folder,
      },
    );
    expect(ours).toBe(stdout.replace('hash2', 'hash'));
    for (const name of ['hash', 'fec']) {
      expect((await readFile(at(name))).equals(await readFile(at(`${name}2`)))).toBe(true);
    }
    const dump = ['dump', 'hash', '--fec-device=fec', '--fec-roots=5'];
    expect(await bench.ok('verity', ...dump)).toBe(
      (await runPeer('veritysetup', dump, { cwd: folder })).stdout,
    );
  });
});
