import { randomBytes } from 'node:crypto';
import { KeyRing, SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { crypt, cryptFilter, defineCrypt } from '../src/index.ts';
import { VolumeKey } from '../src/volume-key.ts';
import { hexKey, recordedRing } from './ring.ts';
import { errorOf, line, makeStand, XTS } from './stand.ts';

describe('the key ring', () => {
  it('gives tables their keys, which stay when the ring forgets them', async () => {
    const keyRing = recordedRing();
    const { engine } = makeStand([defineCrypt({ keyRing })]);
    const data = randomBytes(8 * SECTOR_SIZE);
    await engine.create('x', { table: line(XTS) });
    await engine.write('x', 0, data);
    await engine.remove('x');
    await engine.create('x', { table: line('aes-xts-plain64 :64:logon:p:k64 0') });
    keyRing.clear();
    expect(data.equals(await engine.read('x', 0, 8))).toBe(true);
    const [row] = await engine.table('x', { showKeys: true });
    expect(row?.params).toContain(':64:logon:p:k64');
    await engine.suspend('x');
    await engine.resume('x');
    expect(data.equals(await engine.read('x', 0, 8))).toBe(true);
    const error = await errorOf(engine.load('x', line('aes-xts-plain64 :64:logon:p:k64 0')));
    expect(error.message).toContain('there is no key logon:p:k64 in the key ring');
  });
});

describe('keys', () => {
  it('are wiped with what holds them', () => {
    const key = VolumeKey.read(hexKey(32, 1), new KeyRing());
    const { bytes } = key;
    expect(bytes.toString('hex')).toBe(hexKey(32, 1));
    key.wipe();
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    const referenced = VolumeKey.read(':32:user:k32', recordedRing());
    referenced.forgetReferenced();
    expect(referenced.bytes.every((byte) => byte === 0)).toBe(true);
    expect(referenced.text(true)).toBe(':32:user:k32');
  });

  it('are in no message of an error', async () => {
    const { engine } = makeStand();
    const secret = `5ec7e7${hexKey(28)}`;
    for (const wrong of [secret, `${secret}5`, `${secret}zz`, `5ec7e7${hexKey(100)}`, `:5ec7e7:${secret}`]) {
      for (const table of [
        line(`aes-xts-plain64 ${wrong} 0`),
        line(`nosuch-xts-plain64 ${wrong} 0`),
        line(`aes-xts-plain64 ${wrong} x`),
        `0 8 crypt aes-xts-plain64 ${wrong}`,
      ]) {
        const error = await errorOf(engine.create('x', { table }));
        expect(error.message).not.toContain('5ec7e7');
      }
    }
    await engine.create('x', { table: line(XTS) });
    await engine.suspend('x');
    for (const wrong of [secret, `${secret}5`, `${hexKey(63)}zz`]) {
      const error = await errorOf(engine.message('x', 0, ['key', 'set', wrong]));
      expect(error.code).toBe('EINVAL');
      expect(error.message).not.toContain(wrong.slice(0, 8));
    }
  });

  it('are hidden in the table unless they are asked for', async () => {
    const { engine } = makeStand();
    await engine.create('x', {
      table: line(XTS.toUpperCase().replace('AES-XTS-PLAIN64', 'aes-xts-plain64')),
    });
    const rows = [await engine.table('x'), await engine.table('x', { showKeys: true })];
    expect(rows.map(([row]) => row?.params.split(' ')[1])).toEqual(['0'.repeat(128), hexKey(64)]);
  });

  it('are set and wiped while the device is suspended, and a refused one changes nothing', async () => {
    const { engine } = makeStand();
    await engine.create('x', { table: line(XTS) });
    const data = randomBytes(8 * SECTOR_SIZE);
    await engine.write('x', 0, data);
    await engine.suspend('x');
    await errorOf(engine.message('x', 0, ['key', 'set', hexKey(32)]));
    await engine.resume('x');
    expect(data.equals(await engine.read('x', 0, 8))).toBe(true);
    await engine.suspend('x');
    await engine.message('x', 0, ['key', 'set', hexKey(64, 1)]);
    await engine.resume('x');
    expect(data.equals(await engine.read('x', 0, 8))).toBe(false);
    await engine.suspend('x');
    await engine.message('x', 0, ['key', 'wipe']);
    expect((await engine.table('x', { showKeys: true }))[0]?.params).toContain('0'.repeat(128));
    expect(await errorOf(engine.resume('x'))).toMatchObject({
      code: 'EAGAIN',
      message: expect.stringContaining('crypt key is not set'),
    });
    await engine.message('x', 0, ['key', 'set', hexKey(64)]);
    await engine.resume('x');
    expect(data.equals(await engine.read('x', 0, 8))).toBe(true);
  });

  it('of a filter are set and wiped while its mapped device is suspended', async () => {
    const { engine } = makeStand([crypt, cryptFilter]);
    await engine.create('m', { table: '0 8192 crypt cipher_null-ecb - 0 chaos:a 0' });
    await engine.attachFilter('m', `crypt ${XTS}`);
    const data = randomBytes(8 * SECTOR_SIZE);
    await engine.write('m', 0, data);
    const told = (...words: readonly string[]): Promise<string> => engine.messageFilter('m', 'crypt', words);
    expect(await errorOf(told('key', 'wipe'))).toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining('not suspended'),
    });
    await engine.suspend('m');
    await told('key', 'wipe');
    expect((await engine.filters('m', { showKeys: true }))[0]?.args).toContain('0'.repeat(128));
    const error = await errorOf(engine.resume('m'));
    expect(error).toMatchObject({ code: 'EAGAIN', message: expect.stringContaining('key is not set') });
    expect((await engine.info('m')).suspended).toBe(true);
    const reading = engine.read('m', 0, 8);
    await told('key', 'set', hexKey(64));
    await engine.resume('m');
    expect(data.equals(await reading)).toBe(true);
    await engine.suspend('m');
    await told('key', 'set', hexKey(64, 1));
    await engine.resume('m');
    expect(data.equals(await engine.read('m', 0, 8))).toBe(false);
    // An edit closes the gate for a moment, too: that is no suspend.
    await engine.addKey('logon', 'next', Buffer.from(hexKey(64), 'hex'));
    await engine.swapFilter('m', 'crypt', 'crypt aes-xts-plain64 :64:logon:next 0');
    expect((await errorOf(told('key', 'wipe'))).code).toBe('EINVAL');
    expect(data.equals(await engine.read('m', 0, 8))).toBe(true);
  });

  it('that were wiped are no reason for a filter to stay, nor for its device', async () => {
    const { engine } = makeStand([crypt, cryptFilter]);
    for (const end of [
      () => engine.detachFilter('m', 'crypt').then(() => engine.resume('m')),
      () => engine.remove('m'),
    ]) {
      await engine.create('m', { table: '0 8192 crypt cipher_null-ecb - 0 chaos:a 0' });
      await engine.attachFilter('m', `crypt ${XTS}`);
      await engine.suspend('m');
      await engine.messageFilter('m', 'crypt', ['key', 'wipe']);
      await end();
      await engine.remove('m').catch(() => undefined);
    }
    expect(await engine.list()).toEqual([]);
  });

  it('of a filter on a device without a suspend are changed by a swap', async () => {
    const { engine } = makeStand([cryptFilter]);
    const port = await engine.open('chaos:a');
    const device = port.device.number;
    await engine.attachFilter(device, `crypt ${XTS}`);
    const error = await errorOf(engine.messageFilter(device, 'crypt', ['key', 'wipe']));
    expect(error).toMatchObject({ code: 'EINVAL', message: expect.stringContaining('not suspended') });
    await engine.swapFilter(device, 'crypt', `crypt aes-xts-plain64 ${hexKey(64, 1)} 0`);
    const [row] = await engine.filters(device, { showKeys: true });
    expect(row?.args).toContain(hexKey(64, 1));
    port.close();
  });
});
