import type { Engine } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { crypt, cryptFilter } from '../src/index.ts';
import { hexKey } from './ring.ts';
import { errorOf, line, makeStand, XTS } from './stand.ts';

const KEY = hexKey(64);
const OTHER = hexKey(64, 100);
const ZEROES = '0'.repeat(128);
const FILTER = `crypt aes-xts-plain64 ${KEY} 0`;

/** An engine with a disk that stays open, and what it tells in events. */
async function withDisk(): Promise<{ engine: Engine; told: string[] }> {
  const { engine } = makeStand([crypt, cryptFilter]);
  const told: string[] = [];
  engine.onEvent((event) => told.push(JSON.stringify(event)));
  await engine.create('below', { table: line(XTS) });
  await engine.create('m', { table: '0 8192 crypt cipher_null-ecb - 0 below 0' });
  return { engine, told };
}

describe('the key of a filter', () => {
  it('is shown with showKeys only, wherever the filter is listed', async () => {
    const { engine, told } = await withDisk();
    const attached = await engine.attachFilter('m', FILTER);
    expect(attached.args).toBe(`aes-xts-plain64 ${ZEROES} 0`);
    expect(JSON.stringify([await engine.filters(), await engine.filters('m')])).not.toContain(KEY);
    expect((await engine.filters('m', { showKeys: true }))[0]?.args).toBe(`aes-xts-plain64 ${KEY} 0`);
    expect((await engine.filters(undefined, { showKeys: true }))[0]?.args).toContain(KEY);
    expect(JSON.stringify(await engine.explain('m'))).not.toContain(KEY);
    const swapped = await engine.swapFilter('m', 'crypt', `crypt aes-xts-plain64 ${OTHER} 0`);
    expect(swapped.args).toBe(`aes-xts-plain64 ${ZEROES} 0`);
    expect(JSON.stringify([await engine.status('m'), await engine.info('m'), told])).not.toMatch(
      new RegExp(`${KEY}|${OTHER}`),
    );
  });

  it('loads again from what is listed with keys', async () => {
    const { engine } = await withDisk();
    await engine.attachFilter('m', `${FILTER} 1 allow_discards`);
    const data = Buffer.alloc(4096, 'clear');
    await engine.write('m', 16, data);
    const [filter] = await engine.filters('m', { showKeys: true });
    await engine.detachFilter('m', 'crypt');
    await engine.attachFilter('m', `${filter!.type}@${filter!.altitude} ${filter!.args}`);
    expect(data.equals(await engine.read('m', 16, 8))).toBe(true);
  });

  it('stands in no list of rules, and the rule works all the same', async () => {
    const { engine } = makeStand([crypt, cryptFilter]);
    const rule = await engine.addRule('m', `crypt@7 aes-xts-plain64  ${KEY} 0`);
    expect(rule.filter).toBe(`crypt@7 aes-xts-plain64 ${ZEROES} 0`);
    expect(await engine.rules()).toEqual([rule]);
    expect((await engine.rules({ showKeys: true }))[0]?.filter).toContain(KEY);
    await engine.addRule('n', 'crypt aes-xts-plain64 :64:logon:k 0');
    expect((await engine.rules())[1]?.filter).toBe('crypt aes-xts-plain64 :64:logon:k 0');
    await engine.create('m', { table: '0 8192 crypt cipher_null-ecb - 0 chaos:a 0' });
    expect((await engine.filters('m', { showKeys: true }))[0]?.args).toBe(`aes-xts-plain64 ${KEY} 0`);
  });
});

describe('a key in the wrong place', () => {
  it.each([
    ['the cipher left out', `${KEY} 0 chaos:a 0`, `${KEY} 0`],
    ['cipher and key swapped', `${KEY} aes-xts-plain64 0 chaos:a 0`, `${KEY} aes-xts-plain64 0`],
    ['key and IV offset swapped', `aes-xts-plain64 0 ${KEY} chaos:a 0`, `aes-xts-plain64 0 ${KEY}`],
    ['as the device', `aes-xts-plain64 ${OTHER} 0 ${KEY} 0`, `aes-xts-plain64 ${OTHER} ${KEY}`],
    ['as an option', `aes-xts-plain64 ${OTHER} 0 chaos:a 0 1 ${KEY}`, `aes-xts-plain64 ${OTHER} 0 1 ${KEY}`],
    ['as the number', `aes-xts-plain64 ${OTHER} 0 chaos:a 0 ${KEY}`, `aes-xts-plain64 ${OTHER} 0 ${KEY}`],
    ['with a letter too much', `aes-xts-plain64 ${KEY}g 0 chaos:a 0`, `aes-xts-plain64 ${KEY}g 0`],
  ])('is in no message: %s', async (_what, table, filter) => {
    const { engine, told } = await withDisk();
    const errors = [
      await errorOf(engine.create('x', { table: `0 8 crypt ${table}` })),
      await errorOf(engine.attachFilter('m', `crypt ${filter}`)),
      await errorOf(engine.transaction([{ kind: 'attach', device: 'm', filter: `crypt ${filter}` }])),
    ];
    for (const error of errors) {
      const all = `${error.message} ${String((error.cause as Error | undefined)?.message)}`;
      expect(all).not.toContain(KEY.slice(0, 40));
      expect(all).not.toContain(OTHER.slice(0, 40));
    }
    expect(told.join()).not.toContain(KEY.slice(0, 40));
  });
});
