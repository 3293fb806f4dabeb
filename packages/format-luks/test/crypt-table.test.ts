import { describe, expect, it } from 'vitest';
import { cryptTable, type CryptTableOptions, isLuksUuid, mappedUuid, readLuks } from '../src/index.ts';
import { deviceOf, edited, type Edits, makeCopy } from './support/header.ts';
import { newVolume } from './support/volumes.ts';

const KEY: Buffer = Buffer.alloc(64, 0xab);
const HEX = 'ab'.repeat(64);
const OPTIONS: CryptTableOptions = { device: 'disk.img', sectors: 40_960 };

async function tableOf(
  edits: Edits,
  options: Partial<CryptTableOptions> = {},
  key: Uint8Array = KEY,
): Promise<string> {
  const volume = await readLuks(deviceOf(makeCopy({ role: 'primary', json: edited(edits) })));
  return cryptTable(volume, key, { ...OPTIONS, ...options });
}

describe('a crypt table', () => {
  const flags = [
    'allow-discards',
    'no-journal',
    'same-cpu-crypt',
    'submit-from-crypt-cpus',
    'no-read-workqueue',
  ];
  it.each<readonly [string, Edits, Partial<CryptTableOptions>, string]>([
    ['as the header says', {}, {}, `0 8192 crypt aes-xts-plain64 ${HEX} 0 disk.img 32768 1 sector_size:4096`],
    [
      'of sectors of 512',
      { 'segments.0.sector_size': 512 },
      {},
      `0 8192 crypt aes-xts-plain64 ${HEX} 0 disk.img 32768`,
    ],
    [
      'of whole sectors',
      {},
      { sectors: 40_967 },
      `0 8192 crypt aes-xts-plain64 ${HEX} 0 disk.img 32768 1 sector_size:4096`,
    ],
    [
      'of a given size and IV',
      { 'segments.0.size': '8192', 'segments.0.iv_tweak': '80' },
      {},
      `0 16 crypt aes-xts-plain64 ${HEX} 80 disk.img 32768 1 sector_size:4096`,
    ],
    [
      'with the flags of the header and of the caller',
      { 'config.flags': flags, 'segments.0.sector_size': 512 },
      { options: ['allow_discards', 'high_priority'] },
      `0 8192 crypt aes-xts-plain64 ${HEX} 0 disk.img 32768 5 ` +
        'allow_discards same_cpu_crypt submit_from_crypt_cpus no_read_workqueue high_priority',
    ],
    [
      'with a detached header',
      { 'segments.0.offset': '0' },
      { detached: true },
      `0 40960 crypt aes-xts-plain64 ${HEX} 0 disk.img 0 1 sector_size:4096`,
    ],
    [
      'on a device whose name has blanks',
      {},
      { device: 'my disk' },
      `0 8192 crypt aes-xts-plain64 ${HEX} 0 my\\ disk 32768 1 sector_size:4096`,
    ],
  ])('is made %s', async (_name, edits, options, expected) => {
    expect(await tableOf(edits, options)).toBe(expected);
  });

  it.each<readonly [string, Edits, Partial<CryptTableOptions>, Buffer, RegExp]>([
    ['without its header on a device', { 'segments.0.offset': '0' }, {}, KEY, /detached/],
    ['on a device that ends before the data', {}, { sectors: 32_768 }, KEY, /too small/],
    ['on a device with part of a sector of data', {}, { sectors: 32_775 }, KEY, /too small/],
    [
      'on a device that is cut off',
      { 'segments.0.size': '8192' },
      { sectors: 32_783 },
      KEY,
      /16785408 bytes at least/,
    ],
    ['with a key of another length', {}, {}, Buffer.alloc(32), /32 bytes instead of 64/],
    ['of sectors that begin in their midst', { 'segments.0.offset': '16777728' }, {}, KEY, /whole sector/],
    ['of an IV in the midst of a sector', { 'segments.0.iv_tweak': '1' }, {}, KEY, /whole sector/],
    ['of a size that no device has', { 'segments.0.size': '18446744073709547520' }, {}, KEY, /more than any/],
  ])('is refused %s', async (_name, edits, options, key, problem) => {
    await expect(tableOf(edits, options, key)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringMatching(problem),
    });
  });

  it('of LUKS1 has no options', async () => {
    const { volume } = await newVolume(1);
    const table = cryptTable(volume, Buffer.alloc(16, 1), { device: 'x', sectors: 8192 });
    expect(table).toBe(`0 6144 crypt aes-cbc-essiv:sha256 ${'01'.repeat(16)} 0 x 2048`);
  });
});

it('a mapped device is named as cryptsetup does', async () => {
  const uuid = '69AA0a13-1a14-4cdf-9561-8069b3f41af9';
  const { volume } = await newVolume(1, { uuid });
  expect(mappedUuid(volume, 'name')).toBe('CRYPT-LUKS1-69aa0a131a144cdf95618069b3f41af9-name');
  expect(isLuksUuid(mappedUuid(volume, 'x'))).toBe(true);
  expect(isLuksUuid('CRYPT-PLAIN-x')).toBe(false);
});
