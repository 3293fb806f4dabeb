import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chaosDriver } from '@interposer/conformance';
import { createEngine, isInterposerError, SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { runInVm } from '../../../tools/kernel-vm/run.mjs';
import { crypt } from '../src/index.ts';
import { clearData, DATA_SECTORS, type RecordedCase, recordedCases, tableOf } from './recorded.ts';

// Disks written here and read by a real kernel, and the reverse. It takes minutes, so it runs on demand: INTERPOSER_KERNEL_CASES=80
// is how many of the recorded cases are tried (see tools/kernel-vm).
const CASES = Number(process.env.INTERPOSER_KERNEL_CASES ?? 0);

/** Of a case on the disk: what we write, and what the kernel writes. */
const STRIDE = 2 * DATA_SECTORS;

/** What the recorded ciphers need, and nothing in the guest loads when it is asked for. */
const MODULES = [
  'dm-crypt',
  'aes_generic',
  'camellia_generic',
  'des_generic',
  'crypto_null',
  'cbc',
  'ctr',
  'ecb',
  'xts',
].concat(['lrw', 'essiv', 'md5', 'md4', 'sha512_generic', 'sha3_generic', 'crc32_generic']);

const clear = clearData();

/** What this OpenSSL has, spread over all that was recorded. */
async function servedCases(): Promise<RecordedCase[]> {
  const chaos = chaosDriver();
  chaos.add('a', { sectors: DATA_SECTORS });
  const engine = createEngine({ types: [chaos, crypt] });
  const served: RecordedCase[] = [];
  // The guest has no driver for the processor's own AES.
  for (const one of recordedCases().filter(({ cipher }) => !cipher.includes('aesni'))) {
    try {
      await engine.create('x', { table: tableOf(one, 'chaos:a', 0) });
      await engine.remove('x');
      served.push(one);
    } catch (error) {
      if (!isInterposerError(error) || error.code !== 'ENOTSUP') throw error;
    }
  }
  await engine.close();
  const step = Math.max(1, served.length / CASES);
  return Array.from(
    { length: Math.min(CASES, served.length) },
    (_, index) => served[Math.floor(index * step)]!,
  );
}

/** The kernel reads what we wrote, and writes the same clear data behind it. */
function scriptOf(one: RecordedCase, index: number): string {
  const base = index * STRIDE;
  const size = String(DATA_SECTORS * SECTOR_SIZE);
  return `
    echo "${tableOf(one, '/dev/vda', base)}" | dmsetup create x || echo "no ${one.cipher}" >&2
    dd if=/dev/mapper/x bs=${size} count=1 2>/dev/null | cmp - clear && echo same ${String(index)}
    dmsetup remove x
    echo "${tableOf(one, '/dev/vda', base + DATA_SECTORS)}" | dmsetup create x
    dd if=clear of=/dev/mapper/x bs=${size} conv=fsync 2>/dev/null
    dmsetup remove x`;
}

describe.skipIf(CASES === 0)('the kernel and crypt', () => {
  it(`${String(CASES)} ciphers, both ways`, { timeout: 30 * 60_000 }, async () => {
    const cases = await servedCases();
    const chaos = chaosDriver();
    const disk = chaos.add('a', { sectors: cases.length * STRIDE });
    const engine = createEngine({ types: [chaos, crypt] });
    const folder = mkdtempSync(join(tmpdir(), 'interposer-'));
    try {
      for (const [index, one] of cases.entries()) {
        await engine.create('x', { table: tableOf(one, 'chaos:a', index * STRIDE) });
        await engine.write('x', 0, clear);
        await engine.remove('x');
      }
      const path = join(folder, 'disk.img');
      const clearPath = join(folder, 'clear.img');
      writeFileSync(path, disk.data);
      writeFileSync(clearPath, clear);
      const script = `dd if=/dev/vdb of=clear bs=${String(clear.length)} count=1 2>/dev/null
        ${cases.map((one, index) => scriptOf(one, index)).join('\n')}`;
      const { status, stdout, stderr } = await runInVm({
        programs: ['dmsetup'],
        modules: MODULES,
        disks: [{ path }, { path: clearPath }],
        timeout: 1500,
        script,
      });
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout.match(/same \d+/g)).toHaveLength(cases.length);
      disk.data.set(readFileSync(path));
      for (const [index, one] of cases.entries()) {
        await engine.create('x', { table: tableOf(one, 'chaos:a', index * STRIDE + DATA_SECTORS) });
        expect(clear.equals(await engine.read('x', 0, DATA_SECTORS)), one.cipher).toBe(true);
        await engine.remove('x');
      }
    } finally {
      await engine.close();
      rmSync(folder, { recursive: true });
    }
  });
});
