import { describe, expect, it } from 'vitest';
import { pskFile, strangerFolder, x509Folder } from '../../../tools/tls/index.ts';
import { peer } from '../../../tools/peers.ts';
import { readClientTls } from '../src/index.ts';
import { keysForQemu, listSecurely, startServer } from './fixture.ts';

const REP_SERVER = 2;

const certificates = { 'tls-certificates': x509Folder };
const shared = { parameters: { 'tls-psk-file': pskFile }, user: 'alice' };

describe.skipIf(!peer('nbdkit'))('nbdkit', () => {
  const start = (...tls: string[]) =>
    startServer('nbdkit', '-f', '-U', '@', '--tls=require', ...tls, 'memory', '1M');

  it('with certificates', async () => {
    const path = await start(`--tls-certificates=${x509Folder}`);
    const named = readClientTls({ parameters: certificates, host: 'localhost' });
    expect(await listSecurely(path, named)).toBe(REP_SERVER);
    expect(await listSecurely(path, readClientTls({ parameters: certificates }))).toBe(REP_SERVER);
    const byAddress = readClientTls({ parameters: certificates, host: '127.0.0.1' });
    expect(await listSecurely(path, byAddress)).toBe(REP_SERVER);
  });

  it('that wants one of the client', async () => {
    const path = await start(`--tls-certificates=${x509Folder}`, '--tls-verify-peer');
    expect(await listSecurely(path, readClientTls({ parameters: certificates }))).toBe(REP_SERVER);
  });

  it('with pre-shared keys', async () => {
    const path = await start(`--tls-psk=${pskFile}`);
    expect(await listSecurely(path, readClientTls(shared))).toBe(REP_SERVER);
  });

  it('with the certificate of a stranger', async () => {
    const path = await start(`--tls-certificates=${strangerFolder}`);
    await expect(listSecurely(path, readClientTls({ parameters: certificates }))).rejects.toMatchObject({
      code: 'EACCES',
    });
    const careless = { ...certificates, 'tls-verify-peer': '0' };
    expect(await listSecurely(path, readClientTls({ parameters: careless }))).toBe(REP_SERVER);
  });
});

describe.skipIf(!peer('qemu-nbd'))('qemu-nbd', () => {
  const start = (credentials: string) =>
    startServer(
      'qemu-nbd',
      '-t',
      '-k',
      '@',
      '--object',
      `${credentials},id=t,endpoint=server`,
      '--tls-creds',
      't',
      'json:{"driver":"null-co","size":1048576}',
    );

  it('with certificates', async () => {
    const path = await start(`tls-creds-x509,dir=${x509Folder},verify-peer=on`);
    expect(await listSecurely(path, readClientTls({ parameters: certificates, host: 'localhost' }))).toBe(
      REP_SERVER,
    );
  });

  it('with pre-shared keys', async () => {
    const folder = await keysForQemu(pskFile);
    const path = await start(`tls-creds-psk,dir=${folder}`);
    expect(await listSecurely(path, readClientTls(shared))).toBe(REP_SERVER);
  });

  it('without certificates', async () => {
    const path = await start('tls-creds-anon');
    expect(await listSecurely(path, readClientTls({ parameters: { 'tls-type': 'anon' } }))).toBe(REP_SERVER);
  });
});
