import { describe, expect, it } from 'vitest';
import { memoryStorage, readLuks } from '../src/index.ts';
import { readCopies, writeCopies } from '../src/luks2/copies.ts';
import { deviceOf, edited, makeCopy, withChecksum } from './support/header.ts';

function labelled(label: string): object {
  return edited({ 'tokens.0.key_description': label });
}

function broken(copy: Buffer): Buffer {
  copy[4096 + 100]! ^= 1;
  return copy;
}

const first = (sequence = 3n): Buffer => makeCopy({ role: 'primary', json: labelled('first'), sequence });
const second = (sequence = 3n): Buffer => makeCopy({ role: 'secondary', json: labelled('second'), sequence });

describe('of two copies of a header', () => {
  it.each([
    ['the first, if they are of the same change', first(), second(), 'first', undefined],
    [
      'the later one, if that is the first',
      first(4n),
      second(),
      'first',
      /second copy of the header is older/,
    ],
    [
      'the later one, if that is the second',
      first(),
      second(4n),
      'second',
      /first copy of the header is older/,
    ],
    ['the later one beyond 2^53', first(2n ** 63n), second(2n ** 63n + 1n), 'second', /first copy/],
    ['the one whose checksum is right', broken(first(9n)), second(), 'second', /wrong checksum/],
    [
      'the one whose checksum is right, if the second is wrong',
      first(),
      broken(second(9n)),
      'first',
      /wrong checksum/,
    ],
    ['the one that is there', undefined, second(), 'second', /magic/],
    ['the one that is there, if the second is not', first(), undefined, 'first', /magic/],
  ] as const)('takes %s', async (_name, primary, secondary, expected, damage) => {
    const volume = await readLuks(deviceOf(primary, secondary));
    expect(volume.tokens[0]!.data).toEqual({ key_description: expected });
    if (damage === undefined) expect(volume.damage).toBeUndefined();
    else expect(volume.damage).toMatch(damage);
  });

  it('takes neither if both are wrong, and says what is wrong with each', async () => {
    await expect(readLuks(deviceOf(broken(first()), broken(second())))).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringMatching(
        /the first has a wrong checksum; the second, at byte 16384, a wrong checksum/,
      ),
    });
  });

  it.each([16, 32, 64, 128, 256, 512, 1024, 2048, 4096].map((kib) => kib * 1024))(
    'reads either with a header of %i bytes',
    async (headerBytes) => {
      const start = 2 * headerBytes;
      const json = edited({
        'config.json_size': String(headerBytes - 4096),
        'config.keyslots_size': '1048576',
        'keyslots.0.area.offset': String(start),
        'keyslots.1.area.offset': String(start + 258_048),
      });
      const primary = makeCopy({ role: 'primary', json, headerBytes });
      const secondary = makeCopy({ role: 'secondary', json, headerBytes });
      expect((await readLuks(deviceOf(primary, secondary))).damage).toBeUndefined();
      expect((await readLuks(deviceOf(undefined, secondary))).slots).toHaveLength(2);
    },
  );

  it('finds none where the second stands elsewhere than it says', async () => {
    const moved = second();
    moved.writeBigUInt64BE(32_768n, 256);
    await expect(readLuks(deviceOf(undefined, withChecksum(moved)))).rejects.toThrow(
      /no header of LUKS2 is right/,
    );
  });

  it('refuses a device that is smaller than the header says', async () => {
    await expect(readLuks(deviceOf(first(), second(), 16 * 2 ** 20 - 1))).rejects.toThrow(
      /take 16777216 bytes, the device has 16777215/,
    );
  });

  it('reads a device of any small size without a crash', async () => {
    const whole = Buffer.concat([first(), second()]);
    for (const bytes of [0, 1, 5, 6, 7, 8, 511, 592, 4095, 4096, 16_383, 16_385, 32_768]) {
      const device = memoryStorage(Buffer.from(whole.subarray(0, bytes)));
      await expect(readLuks(device)).rejects.toMatchObject({ code: 'EINVAL' });
    }
  });
});

describe('a change', () => {
  it('writes the copy that is not in use first, each with its own salt and the next sequence number', async () => {
    for (const [primary, secondary, order] of [
      [first(), second(), [16_384, 0]],
      [first(), broken(second()), [16_384, 0]],
      [broken(first()), second(), [0, 16_384]],
      [first(), second(4n), [0, 16_384]],
    ] as const) {
      const log: (number | 'flush')[] = [];
      const device = deviceOf(primary, secondary);
      const logged = {
        ...device,
        write: (offset: number, data: Uint8Array) => {
          log.push(offset);
          return device.write(offset, data);
        },
        flush: async () => void log.push('flush'),
      };
      const { current } = await readCopies(logged);
      await writeCopies(logged, current, { json: current.json });
      expect(log).toEqual([order[0], 'flush', order[1], 'flush']);
      const after = await readCopies(device);
      expect(after.damage).toBeUndefined();
      expect(after.current.binary.sequence).toBe(current.binary.sequence + 1n);
      const salts = await Promise.all([0, 16_384].map((at) => device.read(at + 104, 64)));
      expect(salts[0]!.equals(salts[1]!)).toBe(false);
    }
  });

  it('is refused before anything is written if the metadata would be wrong or too large', async () => {
    const device = deviceOf(first(), second());
    const { current } = await readCopies(device);
    const readOnly = { ...device, write: () => Promise.reject(new Error('written')) };
    const large = { ...current.json, comment: 'x'.repeat(13_000) };
    await expect(writeCopies(readOnly, current, { json: large })).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(
      writeCopies(readOnly, current, { json: { ...current.json, digests: {} } }),
    ).rejects.toMatchObject({
      code: 'EINVAL',
    });
  });
});
