import { describe, expect, it } from 'vitest';
import { type LuksStorage, memoryStorage, readLuks } from '../src/index.ts';
import { CHEAP, FIRST, newVolume } from './support/volumes.ts';

const key = (text: string): Buffer => Buffer.from(text);

/** The same bytes as another program sees them: not the same storage. */
function another(buffer: Buffer, { bytes }: LuksStorage): LuksStorage {
  return { ...memoryStorage(buffer), bytes };
}

describe.each([1, 2] as const)('changes of LUKS%i at the same time', (version) => {
  it('by one program are made one after the other', async () => {
    const { volume, storage } = await newVolume(version);
    const { volumeKey } = await volume.unlock({ passphrase: FIRST });
    const names = ['a', 'b', 'c'];
    const slots = await Promise.all(names.map((name) => volume.addKey(volumeKey, key(name), { kdf: CHEAP })));
    expect(slots).toEqual([1, 2, 3]);
    const again = await readLuks(storage);
    for (const name of names) {
      expect((await again.unlock({ passphrase: key(name) })).volumeKey).toEqual(volumeKey);
    }
  });

  it('through two readings of a storage lose nothing: the second is refused', async () => {
    const { volume, storage } = await newVolume(version);
    const other = await readLuks(storage);
    const changes = await Promise.allSettled([
      volume.changeKey(FIRST, key('one'), { kdf: CHEAP }),
      other.changeKey(FIRST, key('other'), { kdf: CHEAP }),
    ]);
    expect(changes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(changes[1]).toMatchObject({ reason: { code: 'EBUSY' } });
    await (await readLuks(storage)).unlock({ passphrase: key('one') });
  });

  it('by two programs, one of which is done while the other derives its key, leave the key of the first', async () => {
    const { buffer, storage } = await newVolume(version);
    const slow = await readLuks(another(buffer, storage));
    const quick = await readLuks(another(buffer, storage));
    const changing = slow.changeKey(FIRST, key('slow'), { kdf: { ...CHEAP, iterations: 200_000 } });
    await quick.changeKey(FIRST, key('quick'), { kdf: CHEAP });
    await expect(changing).rejects.toMatchObject({ code: 'EBUSY' });
    await (await readLuks(another(buffer, storage))).unlock({ passphrase: key('quick') });
  });

  it('by two programs leave the old key where the new one was written over', async () => {
    const { buffer, storage } = await newVolume(version);
    const below = another(buffer, storage);
    let isOver = false;
    const volume = await readLuks({
      ...below,
      write: async (offset, data) => {
        await below.write(offset, data);
        // What comes after the header was written is the old key; the area of the new one stands behind it.
        if (offset === 0 && !isOver) buffer.fill(0xaa, version === 1 ? 4096 + 65_536 : 32_768 + 65_536);
        if (offset === 0) isOver = true;
      },
    });
    const before = Buffer.from(buffer);
    await expect(volume.changeKey(FIRST, key('x'), { kdf: CHEAP })).rejects.toMatchObject({
      code: 'EBUSY',
      message: expect.stringContaining('wrote over'),
    });
    // With a backup of the header nothing is lost.
    before.copy(buffer, 0, 0, version === 1 ? 4096 : 32_768);
    await (await readLuks(below)).unlock({ passphrase: FIRST });
  });
});
