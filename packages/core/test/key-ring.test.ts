import { describe, expect, it } from 'vitest';
import { createEngine, defineTarget, type KeySource, KeyRing, MapResult, Status } from '../src/index.ts';

const CODED = (code: string): Error => expect.objectContaining({ code }) as Error;

describe('the key ring', () => {
  it('keeps copies, by type and name, and wipes what goes', () => {
    const ring = new KeyRing();
    const mine = Buffer.from('a key of mine');
    ring.add('user', 'k', mine);
    ring.add('logon', 'k', Buffer.from('another'));
    mine.fill(0);
    expect(ring.read('user', 'k')?.toString()).toBe('a key of mine');
    expect(ring.list()).toEqual([
      { type: 'user', name: 'k', size: 13 },
      { type: 'logon', name: 'k', size: 7 },
    ]);
    ring.read('user', 'k')?.fill(0);
    expect(ring.read('user', 'k')?.toString()).toBe('a key of mine');
    expect(ring.remove('user', 'k')).toBe(true);
    expect(ring.remove('user', 'k')).toBe(false);
    expect(ring.read('user', 'k')).toBeUndefined();
    ring.clear();
    expect(ring.list()).toEqual([]);
  });

  it.each([
    ['user', '', 'key'],
    ['user', 'two words', 'key'],
    ['user', 'k', ''],
    ['user', 'k', 'x'.repeat(32768)],
    ['big_key', 'k', 'key'],
    ['', 'k', 'key'],
  ])('refuses the type "%s", the name "%s" with the key "%.8s"', (type, name, key) => {
    const ring = new KeyRing();
    ring.add('user', 'k', Buffer.from('before'));
    expect(() => {
      ring.add(type, name, Buffer.from(key));
    }).toThrow(CODED('EINVAL'));
    expect(ring.list()).toEqual([{ type: 'user', name: 'k', size: 6 }]);
  });
});

describe('the key ring of an engine', () => {
  it('is its own, is what its targets read, and is wiped with it', async () => {
    const seen: KeySource[] = [];
    const reader = defineTarget({
      name: 'reader',
      version: [1, 0, 0],
      ops: 0,
      params: [],
      create: ({ keys }) => {
        seen.push(keys);
        return {
          map: (bio) => {
            bio.complete(Status.Io);
            return MapResult.Submitted;
          },
          areas: () => [],
          table: () => '',
        };
      },
    });
    const engine = createEngine({ types: [reader] });
    const other = createEngine({ types: [] });
    await engine.addKey('logon', 'a:b', Buffer.from('secret'));
    expect(await engine.keys()).toEqual([{ type: 'logon', name: 'a:b', size: 6 }]);
    expect(await other.keys()).toEqual([]);
    await expect(other.removeKey('logon', 'a:b')).rejects.toEqual(CODED('ENOKEY'));
    await engine.create('m', { table: '0 8 reader' });
    expect(seen[0]?.read('logon', 'a:b')?.toString()).toBe('secret');
    await engine.addKey('user', 'c', Buffer.from('x'));
    await engine.removeKey('user', 'c');
    await engine.close();
    expect(seen[0]?.read('logon', 'a:b')).toBeUndefined();
    await expect(engine.addKey('user', 'c', Buffer.from('x'))).rejects.toEqual(CODED('ESHUTDOWN'));
    await other.close();
  });
});
