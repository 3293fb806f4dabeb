import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { pskFile, strangerFolder, x509Folder } from '../../../tools/tls/index.ts';
import { acceptTls, connectTls, readClientTls, readServerTls } from '../src/index.ts';
import { folderOf, makeAuthority } from './authority.ts';
import { meet, socketPair } from './pair.ts';

const clientOf = (folder: string, host = 'localhost', more: Record<string, string> = {}) =>
  readClientTls({ parameters: { 'tls-certificates': folder, ...more }, host });
const keyOf = (user: string) => readClientTls({ parameters: { 'tls-psk-file': pskFile }, user });
const serverOf = (folder: string, verifyPeer = false) => readServerTls({ certificates: folder, verifyPeer });

describe('two sides that trust each other', () => {
  it('by certificate and by key', async () => {
    const both = readServerTls({ certificates: x509Folder, psk: pskFile, verifyPeer: true });
    expect(await meet(clientOf(x509Folder), both)).toEqual({
      client: '!',
      server: 'alice,alice@example.org',
    });
    expect(await meet(keyOf('bob'), both)).toEqual({ client: '!', server: 'bob' });
    const keys = readServerTls({ psk: pskFile });
    expect(await meet(keyOf('alice'), keys)).toEqual({ client: '!', server: 'alice' });
  });

  it('by a certificate of the server only', async () => {
    const folder = await folderOf({ 'ca-cert.pem': join(x509Folder, 'ca-cert.pem') });
    expect(await meet(clientOf(folder), serverOf(x509Folder))).toEqual({ client: '!', server: '' });
    // A certificate that proves nothing gives no name.
    const stranger = clientOf(strangerFolder, 'localhost', { 'tls-verify-peer': '0' });
    expect(await meet(stranger, serverOf(x509Folder))).toEqual({ client: '!', server: '' });
  });
});

describe('two sides that do not', () => {
  it('a server of another authority, or of another name', async () => {
    const unknown = await meet(clientOf(strangerFolder), serverOf(x509Folder));
    expect(unknown.client).toMatch(/authority that is not trusted/);
    const misnamed = await meet(clientOf(x509Folder, 'other.example'), serverOf(x509Folder));
    expect(misnamed.client).toMatch(/other\.example/);
    const told = clientOf(x509Folder, 'other.example', { 'tls-hostname': 'localhost' });
    expect((await meet(told, serverOf(x509Folder))).client).toBe('!');
  });

  it('a client of another authority, or without a certificate', async () => {
    const stranger = clientOf(strangerFolder, 'localhost', { 'tls-verify-peer': '0' });
    expect((await meet(stranger, serverOf(x509Folder, true))).server).toMatch(
      /authority that is not trusted/,
    );
    const folder = await folderOf({ 'ca-cert.pem': join(x509Folder, 'ca-cert.pem') });
    const nobody = await meet(clientOf(folder), serverOf(x509Folder, true));
    expect(nobody.server).toMatch(/did not return a certificate/);
    expect(nobody.client).toMatch(/certificate required/);
  });

  it('a client without a certificate or a key where either is taken', async () => {
    const either = readServerTls({ certificates: x509Folder, psk: pskFile, verifyPeer: true });
    const folder = await folderOf({ 'ca-cert.pem': join(x509Folder, 'ca-cert.pem') });
    expect((await meet(clientOf(folder), either)).server).toMatch(/the client has no certificate/);
    const stranger = clientOf(strangerFolder, 'localhost', { 'tls-verify-peer': '0' });
    expect((await meet(stranger, either)).server).toMatch(/authority that is not trusted/);
  });

  it('a wrong key, an unknown user, a key for a server of certificates, and the other way round', async () => {
    const keys = readServerTls({ psk: new Map([['alice', new Uint8Array(32)]]) });
    for (const user of ['alice', 'bob']) {
      const { client, server } = await meet(keyOf(user), keys);
      expect([client, server]).toEqual([
        expect.stringMatching(/^TLS failed: the other side (found nothing in common|did not accept)/),
        expect.stringMatching(/^TLS failed/),
      ]);
    }
    const certificates = serverOf(x509Folder);
    expect((await meet(keyOf('alice'), certificates)).client).toMatch(/no pre-shared key|^TLS failed/);
    expect((await meet(clientOf(x509Folder), keys)).client).toMatch(/^TLS failed/);
  });

  it('a side that goes away', async () => {
    const [client, server] = await socketPair();
    server.end();
    await expect(connectTls(client, keyOf('alice'))).rejects.toMatchObject({ code: 'EIO' });
    const [other, mine] = await socketPair();
    other.end();
    await expect(acceptTls(mine, readServerTls({ psk: pskFile }))).rejects.toMatchObject({ code: 'EIO' });
    expect(mine.destroyed).toBe(true);
  });
});

describe.skipIf(!peer('openssl'))('certificates that are good no more', () => {
  it('have expired', async () => {
    const authority = await makeAuthority();
    const { folder } = authority;
    authority.issue('server', 'DNS:localhost');
    authority.issue('client', 'DNS:alice', { days: -1 });
    expect((await meet(clientOf(folder), serverOf(folder, true))).server).toMatch(/has expired/);
    authority.issue('server', 'DNS:localhost', { days: -1 });
    expect((await meet(clientOf(folder), serverOf(folder))).client).toMatch(/has expired/);
  });

  it('are taken back', async () => {
    const authority = await makeAuthority();
    const { folder } = authority;
    authority.issue('server', 'DNS:localhost');
    authority.issue('client', 'DNS:alice');
    authority.revoke();
    expect(await meet(clientOf(folder), serverOf(folder, true))).toEqual({
      client: '!',
      server: 'client,alice',
    });
    authority.revoke('client');
    expect((await meet(clientOf(folder), serverOf(folder, true))).server).toMatch(/is revoked/);
  });

  it('are for another purpose', async () => {
    const authority = await makeAuthority();
    const { folder } = authority;
    authority.issue('server', 'DNS:localhost', { usage: 'clientAuth' });
    expect((await meet(clientOf(folder), serverOf(folder))).client).toMatch(/purpose/);
  });
});
