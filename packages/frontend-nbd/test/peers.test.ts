import { execFile, type ExecFileException } from 'node:child_process';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { temporaryFolder } from '../../../tools/temporary.ts';
import { pattern, serve } from './fixture.ts';

// nbdsh is a Python program of the system and wants the Python of the system.
const ENVIRONMENT = { ...process.env, PATH: `/usr/bin:/bin:${process.env.PATH ?? ''}` };

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, ...words: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      program,
      words,
      { maxBuffer: 2 ** 26, env: ENVIRONMENT },
      (error: ExecFileException | null, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
  });
}

async function succeed(program: string, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, ...words);
  if (code !== 0) throw new Error(`${program} ${words.join(' ')}: ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

const MIB = 2 ** 20;

describe.skipIf(!peer('nbdinfo'))('nbdinfo', () => {
  it('sees the export as it is', async () => {
    const fixture = await serve({ exported: { name: 'disk', description: 'a disk' } });
    const { exports } = JSON.parse(await succeed('nbdinfo', '--json', fixture.uri)) as { exports: unknown[] };
    expect(exports).toMatchObject([
      {
        'export-name': 'disk',
        description: 'a disk',
        'export-size': MIB,
        is_read_only: false,
        can_flush: true,
        can_fua: true,
        can_multi_conn: true,
        can_trim: true,
        can_zero: true,
        can_fast_zero: true,
        can_cache: true,
        can_df: true,
        contexts: ['base:allocation'],
        block_size_minimum: 1,
        block_size_preferred: 4096,
        block_size_maximum: 32 * MIB,
      },
    ]);
  });

  it('lists several exports', async () => {
    const fixture = await serve({ exported: { name: 'a' } });
    fixture.server.addExport({ name: 'b', port: fixture.port, readOnly: true });
    const { exports } = JSON.parse(await succeed('nbdinfo', '--json', '--list', fixture.uri)) as {
      exports: unknown[];
    };
    expect(exports).toMatchObject([
      { 'export-name': 'a', is_read_only: false },
      { 'export-name': 'b', is_read_only: true },
    ]);
    expect((await run('nbdinfo', fixture.uri.replace('///', '///c'))).stderr).toMatch(/No such file/);
  });
});

describe.skipIf(!peer('nbdcopy'))('nbdcopy', () => {
  it('copies an image in over several connections, and out again', async () => {
    const fixture = await serve({ device: 'ram:16M' });
    const folder = await temporaryFolder();
    const [source, copy] = [join(folder, 'in'), join(folder, 'out')];
    const image = pattern(16 * MIB);
    image.fill(0, 3 * MIB, 9 * MIB);
    await writeFile(source, image);
    await succeed('nbdcopy', '--flush', '-C', '4', source, fixture.uri);
    await succeed('nbdcopy', '-C', '4', fixture.uri, copy);
    expect((await readFile(copy)).equals(image)).toBe(true);
  });
});

describe.skipIf(!peer('qemu-img', 'qemu-io'))('qemu', () => {
  it('converts into the export and finds it equal', async () => {
    const fixture = await serve({ device: 'ram:8M' });
    const source = join(await temporaryFolder(), 'source.img');
    await writeFile(source, pattern(8 * MIB));
    const target = `nbd:unix:${fixture.path}`;
    await succeed('qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'raw', source, target);
    expect(await succeed('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', source, target)).toMatch(
      /identical/,
    );
    const file = await open(source, 'r+');
    await file.write(Buffer.from([0x5a]), 0, 1, 5 * MIB);
    await file.close();
    expect((await run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', source, target)).code).toBe(1);
  });

  it('writes, zeroes, discards, flushes and reads back patterns', async () => {
    const fixture = await serve({ disk: { limits: { logicalBlock: 4096, physicalBlock: 4096 } } });
    const commands = [
      'write -P 0x41 0 64k',
      'write -f -P 0x42 65536 4096',
      'write -P 0x43 70000 111',
      'write -z 4096 8192',
      'write -z -u 16384 4096',
      'discard 32768 4096',
      'flush',
      'read -P 0x41 0 4096',
      'read -P 0 4096 8192',
      'read -P 0 16384 4096',
      'read -P 0x42 65536 4096',
      'read -P 0x43 70000 111',
    ];
    const words = commands.flatMap((command) => ['-c', command]);
    const out = await succeed('qemu-io', '-f', 'raw', ...words, `nbd:unix:${fixture.path}`);
    expect(out).not.toMatch(/fail|mismatch/i);
  });

  it('is refused writing to a read-only export', async () => {
    const fixture = await serve({ exported: { readOnly: true } });
    const { code } = await run('qemu-io', '-f', 'raw', '-c', 'write 0 512', `nbd:unix:${fixture.path}`);
    expect(code).not.toBe(0);
  });
});

describe.skipIf(!peer('nbdsh'))('nbdsh', () => {
  it('tries what well-behaved clients do not', async () => {
    const fixture = await serve();
    const script = `
import errno
h.set_strict_mode(0)
def refused(f, code):
    try:
        f()
    except nbd.Error as e:
        assert e.errno == errno.errorcode[code], (e.errno, code)
    else:
        raise AssertionError("it was not refused")
size = h.get_size()
h.pwrite(b"unaligned", 1021, nbd.CMD_FLAG_FUA)
assert h.pread(9, 1021) == b"unaligned"
h.zero(4, 1023, nbd.CMD_FLAG_NO_HOLE)
assert h.pread(9, 1021) == b"un\\0\\0\\0\\0ned"
h.trim(4096, 8192, nbd.CMD_FLAG_FUA)
h.flush()
refused(lambda: h.pread(512, size), errno.EINVAL)
refused(lambda: h.pwrite(b"x" * 512, size), errno.ENOSPC)
refused(lambda: h.zero(512, size), errno.ENOSPC)
refused(lambda: h.trim(512, size), errno.EINVAL)
h.cache(512, 0)
refused(lambda: h.cache(512, size), errno.EINVAL)
h.zero(512, 0, nbd.CMD_FLAG_FAST_ZERO)
refused(lambda: h.pread(512, 2**63 - 512), errno.EINVAL)
assert h.pread(0 + 1, 1021) == b"u"
`;
    await succeed('nbdsh', '-u', fixture.uri, '-c', script);
  });
});

describe.skipIf(!peer('fio'))('fio', () => {
  it.each([
    ['randwrite', '4k'],
    ['randwrite', '1k-256k'],
    ['write', '1m'],
  ])('verifies %s of %s', async (mode, blocks) => {
    const fixture = await serve({ device: 'ram:32M' });
    const [smallest, largest = smallest] = blocks.split('-');
    const folder = await temporaryFolder();
    await succeed(
      'fio',
      '--name=verify',
      '--ioengine=nbd',
      `--uri=${fixture.uri}`,
      `--rw=${mode}`,
      `--bsrange=${smallest!}-${largest!}`,
      '--iodepth=16',
      '--size=32m',
      '--verify=crc32c',
      '--verify_fatal=1',
      `--aux-path=${folder}`,
      '--verify_state_save=0',
    );
  });
});
