import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { totalsText } from '../src/dd/totals-text.ts';
import { Workbench } from './in-process.ts';
import { makeImage, tempDirectory } from './temp.ts';

const directory = tempDirectory();
const data = randomBytes(300 * 512);

async function benchWithDisk(): Promise<Workbench> {
  const bench = new Workbench(directory);
  makeImage(directory, 'disk.img', 300, data);
  await bench.ok('create', 'disk', '--table', '0 300 linear disk.img 0');
  return bench;
}

describe('dd', () => {
  it.each([
    ['bs=512', 0, 300 * 512],
    ['bs=1k count=4', 0, 4096],
    ['bs=1000 skip=3 count=7', 3000, 7000],
    ['bs=1 skip=511 count=3', 511, 3],
    ['bs=1M', 0, 300 * 512],
    ['bs=64k skip=2', 131_072, 300 * 512 - 131_072],
    ['bs=512 skip=400', 0, 0],
    ['bs=2x256 count=2', 0, 1024],
  ])('reads a device: %s', async (operands, start, length) => {
    const bench = await benchWithDisk();
    const { code } = await bench.run(['dd', 'if=disk', 'of=out', ...operands.split(' ')]);
    expect(code).toBe(0);
    expect(readFileSync(join(directory, 'out')).equals(data.subarray(start, start + length))).toBe(true);
  });

  it.each([
    ['bs=512 seek=3', 512, 3 * 512],
    ['bs=1000 seek=7', 1000, 7000],
    ['bs=1 seek=511', 3, 511],
    ['bs=1M conv=fsync', 40_000, 0],
  ])('writes a device, and only what it should: %s', async (operands, length, start) => {
    const bench = await benchWithDisk();
    const fresh = randomBytes(length);
    const { code, stderr } = await bench.run(['dd', 'of=disk', ...operands.split(' ')], { stdin: fresh });
    expect({ code, stderr: stderr.replace(/, [\d.]+ s.*/, '') }).toMatchObject({ code: 0 });
    const expected = Buffer.from(data);
    fresh.copy(expected, start);
    expect(readFileSync(join(directory, 'disk.img')).equals(expected)).toBe(true);
  });

  it('says that the device is full, after writing what fits', async () => {
    const bench = await benchWithDisk();
    const { code, stderr } = await bench.run(['dd', 'of=disk', 'bs=1k', 'seek=149'], {
      stdin: Buffer.alloc(2048, 7),
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^dd: error writing 'disk': No space left on device\n/);
    expect(
      readFileSync(join(directory, 'disk.img'))
        .subarray(149 * 1024)
        .every((byte) => byte === 7),
    ).toBe(true);
  });

  it('writes what was read before an error, with blocks of any size', async () => {
    const bench = await benchWithDisk();
    await bench.ok('create', 'bad', '--table', '0 8 linear disk 0\n8 1 error\n9 291 linear disk 9');
    for (const [size, bytes] of [
      ['512', 4096],
      ['1k', 4096],
      ['3000', 4096],
      ['1M', 4096],
    ] as const) {
      const { code, stderr } = await bench.run(['dd', 'if=bad', 'of=part', `bs=${size}`]);
      expect(code).toBe(1);
      expect(stderr).toContain("dd: error reading 'bad': Input/output error\n");
      expect(readFileSync(join(directory, 'part')).equals(data.subarray(0, bytes))).toBe(true);
    }
    const { code } = await bench.run(['dd', 'if=bad', 'of=part', 'bs=512', 'skip=9']);
    expect(code).toBe(0);
  });

  it('copies from device to device, to standard output, and within a RAM disk', async () => {
    const bench = await benchWithDisk();
    await bench.ok('create', 'copy', '--table', '0 300 linear ram:1M 0');
    await bench.ok('dd', 'if=disk', 'of=/dev/mapper/copy', 'bs=4k', 'status=none');
    const { device, sectors } = await bench.connect().hold('copy', 'read');
    expect(Buffer.from(await bench.connect().read(device, 0, sectors)).equals(data)).toBe(true);
    expect((await bench.run(['dd', 'if=copy', 'count=1', 'status=noxfer'])).stderr).toBe(
      '1+0 records in\n1+0 records out\n',
    );
    expect((await bench.run(['dd', 'if=ram:64K', 'of=zeros'])).code).toBe(0);
    expect(readFileSync(join(directory, 'zeros')).length).toBe(65_536);
  });

  it('leaves nothing open', async () => {
    const bench = await benchWithDisk();
    await bench.run(['dd', 'if=disk', 'of=nodir/x']);
    await bench.run(['dd', 'if=disk', 'of=out']);
    expect(await bench.ok('info', '-c', '--noheadings', '-o', 'open', 'disk')).toBe('0\n');
  });

  it.each([
    ['bs=0', 'invalid number'],
    ['bs=9T', 'is more than'],
    ['bs=x', "dd: invalid number: 'x'"],
    ['count=-1', "dd: invalid number: '-1'"],
    ['conv=ebcdic', "dd: invalid conversion: 'ebcdic'"],
    ['status=loud', "dd: invalid status level: 'loud'"],
    ['what', "dd: unrecognized operand 'what'"],
    ['if=nosuch', "dd: failed to open 'nosuch': No such file or directory"],
    ['if=/dev/mapper/nosuch', "dd: failed to open '/dev/mapper/nosuch'"],
  ])('%s is refused', async (operand, text) => {
    const { code, stderr } = await new Workbench(directory).run(['dd', operand, 'of=never']);
    expect(code).toBe(1);
    expect(stderr).toContain(text);
    expect(existsSync(join(directory, 'never'))).toBe(false);
  });

  it('words amounts as GNU dd does', () => {
    const totals = (bytes: number) => ({ fullIn: 1, partIn: 0, fullOut: 1, partOut: 0, bytes });
    const amount = (bytes: number): string =>
      totalsText(totals(bytes), 2, true)
        .split('\n')[2]!
        .replace(/ copied.*/, '');
    expect([0, 1, 999, 1000, 1024, 5120, 123_456_789].map(amount)).toEqual([
      '0 bytes',
      '1 byte',
      '999 bytes',
      '1000 bytes (1.0 kB)',
      '1024 bytes (1.0 kB, 1.0 KiB)',
      '5120 bytes (5.1 kB, 5.0 KiB)',
      '123456789 bytes (123 MB, 118 MiB)',
    ]);
    expect(totalsText(totals(4096), 2, true)).toMatch(/ copied, 2 s, 2\.0 kB\/s\n$/);
  });
});

/** Other systems have a dd of other words. */
const isGnu = peer('dd') && spawnSync('dd', ['--version'], { encoding: 'utf8' }).stdout.includes('coreutils');

describe.skipIf(!isGnu)('dd beside the system dd', () => {
  it.each([
    'bs=512',
    'bs=1k count=4',
    'bs=1000 skip=3 count=7',
    'bs=7 count=1000 skip=2',
    'bs=4k seek=2',
    'bs=4k seek=2 conv=notrunc',
    'bs=1M',
    'bs=512 count=0',
    'bs=100k conv=fsync,notrunc',
    'bs=1kB count=3',
    'bs=2b skip=1x2 count=3',
  ])('%s: same file, same words', async (operands) => {
    const bench = new Workbench(directory);
    const words = operands.split(' ');
    for (const name of ['ours', 'theirs']) writeFileSync(join(directory, name), Buffer.alloc(20_000, 1));
    writeFileSync(join(directory, 'in'), data);
    const ours = await bench.run(['dd', 'if=in', 'of=ours', ...words]);
    const theirs = spawnSync('dd', ['if=in', 'of=theirs', ...words], {
      cwd: directory,
      encoding: 'utf8',
      env: { LC_ALL: 'C' },
    });
    const untimed = (text: string): string => text.replace(/copied, .*/, 'copied');
    expect({ code: ours.code, stderr: untimed(ours.stderr) }).toEqual({
      code: theirs.status,
      stderr: untimed(theirs.stderr),
    });
    const [mine, other] = ['ours', 'theirs'].map((name) => readFileSync(join(directory, name)));
    expect(mine!.equals(other!)).toBe(true);
  });
});
