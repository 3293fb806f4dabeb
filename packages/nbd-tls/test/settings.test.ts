import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pem, pskFile, strangerFolder, x509Folder } from '../../../tools/tls/index.ts';
import { readClientTls, readServerTls } from '../src/index.ts';
import { alternativeNames } from '../src/peer.ts';
import { folderOf } from './authority.ts';
import { temporaryFolder } from '../../../tools/temporary.ts';

const SECRET = 'c0ffee00c0ffee';

function thrown(act: () => unknown): { code: string; message: string } {
  try {
    act();
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    return { code, message };
  }
  throw new Error('nothing was thrown');
}

async function keys(text: string): Promise<string> {
  const path = join(await temporaryFolder(), 'keys.psk');
  writeFileSync(path, text);
  return path;
}

describe('the settings of a client', () => {
  it('certificates by default, and the server verified by its host', () => {
    const parameters = { 'tls-certificates': x509Folder };
    expect(readClientTls({ parameters, host: 'disk.example' })).toEqual({
      type: 'x509',
      verifyPeer: true,
      hostname: 'disk.example',
      certificates: {
        authority: pem(x509Folder, 'ca-cert'),
        certificate: pem(x509Folder, 'client-cert'),
        key: pem(x509Folder, 'client-key'),
      },
    });
    expect(readClientTls({ parameters })).not.toHaveProperty('hostname');
    const told = { ...parameters, 'tls-hostname': 'other', 'tls-verify-peer': '0' };
    expect(readClientTls({ parameters: told, host: 'x' })).toMatchObject({
      hostname: 'other',
      verifyPeer: false,
    });
  });

  it('the folders of libnbd where none is told, or what Node trusts', async () => {
    const before = process.env.HOME;
    process.env.HOME = await temporaryFolder();
    expect(readClientTls({ parameters: {} })).toMatchObject({ certificates: {} });
    if (before !== undefined) process.env.HOME = before;
  });

  it('a key where a file of keys is told', () => {
    const parameters = { 'tls-psk-file': pskFile };
    expect(readClientTls({ parameters, user: 'bob' })).toMatchObject({ type: 'psk', user: 'bob' });
    expect(thrown(() => readClientTls({ parameters, user: 'carol' }))).toMatchObject({
      code: 'ENOENT',
      message: `${pskFile} has no key of user carol`,
    });
  });

  it.each([
    [{ 'tls-type': 'psk' }, 'EINVAL', /tls-psk-file/],
    [{ 'tls-type': 'ssl' }, 'EINVAL', /tls-type=ssl is not known: anon, x509, psk/],
    [{ 'tls-verify-peer': 'maybe' }, 'EINVAL', /1 or 0/],
    [{ 'tls-cert': 'x' }, 'EINVAL', /tls-cert is not known: tls-type/],
    [{ 'tls-certificates': '/no/such/folder' }, 'ENOENT', /\/no\/such\/folder\/ca-cert\.pem is missing/],
    [{ 'tls-psk-file': '/no/such/file' }, 'ENOENT', /\/no\/such\/file is missing/],
  ])('%o cannot be', (parameters, code, message) => {
    const error = thrown(() => readClientTls({ parameters: parameters }));
    expect(error).toEqual({ code, message: expect.stringMatching(message) as string });
  });
});

describe('a folder of certificates', () => {
  const file = (name: string, folder = x509Folder) => ({ [`${name}.pem`]: join(folder, `${name}.pem`) });

  it('without the key of the client, with the key of another, with files that hold something else', async () => {
    const only = await folderOf({ ...file('ca-cert'), ...file('client-cert') });
    const read = (folder: string) =>
      thrown(() => readClientTls({ parameters: { 'tls-certificates': folder } }));
    expect(read(only)).toEqual({
      code: 'ENOENT',
      message: expect.stringMatching(/client-key\.pem is missing/) as string,
    });
    const mixed = await folderOf({
      ...file('ca-cert'),
      ...file('client-cert'),
      ...file('client-key', strangerFolder),
    });
    expect(read(mixed)).toEqual({ code: 'EINVAL', message: expect.stringMatching(/does not fit/) as string });
    writeFileSync(join(mixed, 'client-key.pem'), SECRET);
    expect(read(mixed).message).not.toContain(SECRET);
    writeFileSync(join(mixed, 'ca-cert.pem'), 'nothing');
    expect(read(mixed).message).toMatch(/authority is no certificate in PEM form/);
    writeFileSync(join(mixed, 'ca-crl.pem'), 'nothing');
  });

  it('of a server', async () => {
    const folder = await folderOf({ ...file('server-cert'), ...file('server-key') });
    expect(readServerTls({ certificates: folder })).toMatchObject({ verifyPeer: false, keys: null });
    expect(thrown(() => readServerTls({ certificates: folder, verifyPeer: true }))).toMatchObject({
      code: 'EINVAL',
    });
    writeFileSync(join(folder, 'ca-crl.pem'), 'nothing');
    expect(thrown(() => readServerTls({ certificates: folder })).message).toMatch(
      /revocation list is malformed/,
    );
    expect(thrown(() => readServerTls({}))).toMatchObject({ code: 'EINVAL' });
    expect(thrown(() => readServerTls({ certificates: {} }))).toMatchObject({ code: 'EINVAL' });
  });

  it('as texts', () => {
    const certificate = pem(x509Folder, 'server-cert');
    const texts = { certificate, key: pem(x509Folder, 'server-key') };
    expect(readServerTls({ certificates: texts })).toMatchObject({ certificates: texts });
    expect(thrown(() => readServerTls({ certificates: { certificate } })).message).toMatch(/go together/);
  });

  it.skipIf(process.getuid!() === 0)('that may not be read', async () => {
    const folder = await folderOf({ ...file('server-cert'), ...file('server-key') });
    chmodSync(join(folder, 'server-key.pem'), 0);
    expect(thrown(() => readServerTls({ certificates: folder })).code).toBe('EACCES');
  });
});

describe('a file of keys', () => {
  const read = (path: string) => readServerTls({ psk: path }).keys;

  it('a user a line, names in hexadecimal digits too', async () => {
    const path = await keys(`alice:00ff\r\n\n#626f62:${SECRET}\ncarol smith:AA`);
    expect(
      Object.fromEntries([...read(path)!].map(([name, key]) => [name, Buffer.from(key).toString('hex')])),
    ).toEqual({
      alice: '00ff',
      bob: SECRET,
      'carol smith': 'aa',
    });
  });

  it.each([
    ['', /has no keys/],
    [`alice:00\n${SECRET}`, /line 2: .*no colon/],
    [`alice:${SECRET}0`, /line 1: the key is not made of pairs/],
    [`alice:${SECRET}xy`, /line 1: the key is not made of pairs/],
    ['alice:', /line 1: a key has 1 to 256 bytes/],
    [`alice:${'ab'.repeat(257)}`, /line 1: a key has 1 to 256 bytes/],
    [`:${SECRET}`, /line 1: a name has 1 to 128 bytes/],
    [`${'x'.repeat(129)}:${SECRET}`, /line 1: a name has 1 to 128 bytes/],
    [`#zz:${SECRET}`, /line 1: behind # the name/],
    [`alice:00\nbob:01\nalice:${SECRET}`, /line 3: user alice has a key already/],
  ])('%j is malformed, and the message shows no key', async (text, message) => {
    const path = await keys(text);
    const error = thrown(() => read(path));
    expect(error).toEqual({ code: 'EINVAL', message: expect.stringMatching(message) as string });
    expect(error.message).not.toContain(SECRET);
  });

  it('as a map', () => {
    expect(thrown(() => readServerTls({ psk: new Map() })).code).toBe('EINVAL');
    expect(thrown(() => readServerTls({ psk: new Map([['a', new Uint8Array(0)]]) })).code).toBe('EINVAL');
  });
});

describe('names of a certificate', () => {
  it.each([
    ['DNS:a.example, DNS:b.example', ['a.example', 'b.example']],
    ['email:a@b.example, URI:urn:x:y', ['a@b.example', 'urn:x:y']],
    ['IP Address:127.0.0.1, DNS:a', ['a']],
    ['DNS:"a, DNS:evil", DNS:b', ['a, DNS:evil', 'b']],
    ['othername:<unsupported>, DNS:a', ['a']],
    ['DirName:"/CN=x, DNS:evil", DNS:a', ['a']],
    ['', []],
  ])('%s', (text, names) => {
    expect(alternativeNames(text)).toEqual(names);
  });
});
