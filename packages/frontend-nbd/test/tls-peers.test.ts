import { execFile } from 'node:child_process';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { pskFile, strangerFolder, x509Folder } from '../../../tools/tls/index.ts';
import { temporaryFolder } from '../../../tools/temporary.ts';
import { type Fixture, type FixtureOptions, pattern, serve } from './fixture.ts';

const MIB = 2 ** 20;

interface Outcome {
  readonly code: number;
  readonly output: string;
}

function run(program: string, ...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 20_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, output: `${stdout}${stderr}` });
    });
  });
}

async function succeed(program: string, ...args: readonly string[]): Promise<string> {
  const { code, output } = await run(program, ...args);
  expect(code, output).toBe(0);
  return output;
}

const x509 = (mode: 'allow' | 'require', verifyPeer = false): FixtureOptions => ({
  tls: { mode, certificates: x509Folder, verifyPeer },
});
const psk = (mode: 'allow' | 'require'): FixtureOptions => ({ tls: { mode, psk: pskFile } });

/** By the socket, with certificates from a folder. */
const secureUri = ({ path }: Fixture, folder: string) =>
  `nbds+unix:///?socket=${path}&tls-certificates=${folder}`;

const sharedUri = ({ path }: Fixture, user: string) =>
  `nbds+unix://${user}@/?socket=${path}&tls-psk-file=${pskFile}`;

async function tcpUri(fixture: Fixture, host: string, folder: string): Promise<string> {
  const listening = host === 'localhost' ? {} : { host };
  const address = await fixture.server.listen({ port: 0, ...listening });
  if (!('port' in address)) throw new Error('no port');
  return `nbds://${host}:${String(address.port)}/?tls-certificates=${folder}`;
}

describe.skipIf(!peer('nbdinfo'))('nbdinfo', () => {
  it('with certificates, by socket and by name', async () => {
    const fixture = await serve(x509('require'));
    expect(await succeed('nbdinfo', secureUri(fixture, x509Folder))).toMatch(/protocol: .*TLS/);
    expect(await succeed('nbdinfo', await tcpUri(fixture, 'localhost', x509Folder))).toMatch(
      /protocol: .*TLS/,
    );
  });

  it('with certificates of its own', async () => {
    const fixture = await serve(x509('require', true));
    expect(await succeed('nbdinfo', secureUri(fixture, x509Folder))).toMatch(/protocol: .*TLS/);
    expect(fixture.events).toContainEqual(
      expect.objectContaining({
        kind: 'secured',
        message: 'TLS is on, certificate of alice, alice@example.org',
      }),
    );
  });

  it('with pre-shared keys', async () => {
    const fixture = await serve(psk('require'));
    expect(await succeed('nbdinfo', sharedUri(fixture, 'bob'))).toMatch(/protocol: .*TLS/);
    expect(fixture.events).toContainEqual(
      expect.objectContaining({ kind: 'secured', message: 'TLS is on, user bob' }),
    );
  });

  it('either of both from one server', async () => {
    const tls = { mode: 'require', certificates: x509Folder, psk: pskFile, verifyPeer: true } as const;
    const fixture = await serve({ tls });
    await succeed('nbdinfo', sharedUri(fixture, 'alice'));
    await succeed('nbdinfo', secureUri(fixture, x509Folder));
  });

  it('an authority that it does not know, a name that is not the server’s', async () => {
    const fixture = await serve(x509('require'));
    const stranger = await run('nbdinfo', await tcpUri(fixture, 'localhost', strangerFolder));
    expect(stranger.output).toMatch(/certificate/);
    // The certificate is for 127.0.0.1.
    const elsewhere = await run('nbdinfo', await tcpUri(fixture, '127.0.0.2', x509Folder));
    expect(elsewhere.output).toMatch(/certificate/);
    expect(fixture.events.map(({ kind }) => kind)).not.toContain('opened');
  });

  it('a certificate of a stranger, or none', async () => {
    const fixture = await serve(x509('require', true));
    const mixed = await temporaryFolder();
    await copyFile(join(x509Folder, 'ca-cert.pem'), join(mixed, 'ca-cert.pem'));
    expect(await run('nbdinfo', secureUri(fixture, mixed))).toMatchObject({ code: 1 });
    for (const name of ['client-cert.pem', 'client-key.pem']) {
      await copyFile(join(strangerFolder, name), join(mixed, name));
    }
    expect(await run('nbdinfo', secureUri(fixture, mixed))).toMatchObject({ code: 1 });
    expect(fixture.events.map(({ kind }) => kind)).not.toContain('opened');
  });

  it('a key that is not the user’s, a user that is not known', async () => {
    const fixture = await serve(psk('require'));
    const wrong = join(await temporaryFolder(), 'wrong.psk');
    await writeFile(wrong, `alice:${'00'.repeat(32)}\ncarol:${'11'.repeat(32)}\n`);
    for (const user of ['alice', 'carol']) {
      const uri = `nbds+unix://${user}@/?socket=${fixture.path}&tls-psk-file=${wrong}`;
      expect(await run('nbdinfo', uri)).toMatchObject({ code: 1 });
    }
  });

  it('without TLS where it is required, and with TLS where there is none', async () => {
    const strict = await serve(x509('require'));
    expect((await run('nbdinfo', strict.uri)).output).toMatch(/TLS/);
    const open = await serve();
    expect(await run('nbdinfo', secureUri(open, x509Folder))).toMatchObject({ code: 1 });
  });

  it('with and without where it is allowed', async () => {
    const fixture = await serve(x509('allow'));
    await succeed('nbdinfo', fixture.uri);
    await succeed('nbdinfo', secureUri(fixture, x509Folder));
  });

  it('sees what is for clients with TLS only under TLS', async () => {
    const fixture = await serve({ ...x509('allow'), exported: { name: 'open' } });
    fixture.server.addExport({ name: 'secret', port: fixture.port, allow: ['tls'] });
    const list = async (uri: string) => {
      const output = await succeed('nbdinfo', '--json', '--list', uri);
      return (JSON.parse(output) as { exports: { 'export-name': string }[] }).exports.map(
        (one) => one['export-name'],
      );
    };
    expect(await list(fixture.uri)).toEqual(['open']);
    expect(await list(secureUri(fixture, x509Folder))).toEqual(['open', 'secret']);
  });
});

describe.skipIf(!peer('nbdcopy'))('nbdcopy', () => {
  it.each(['certificates', 'keys'])('copies in and out with %s', async (kind) => {
    const options = kind === 'keys' ? psk('require') : x509('require', true);
    const fixture = await serve({ ...options, device: 'ram:8M' });
    const uri = kind === 'keys' ? sharedUri(fixture, 'alice') : secureUri(fixture, x509Folder);
    const folder = await temporaryFolder();
    const [source, copy] = [join(folder, 'in'), join(folder, 'out')];
    await writeFile(source, pattern(8 * MIB));
    await succeed('nbdcopy', '--flush', source, uri);
    await succeed('nbdcopy', uri, copy);
    await succeed('cmp', source, copy);
  });
});

describe.skipIf(!peer('qemu-img'))('qemu-img', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
    await copyFile(pskFile, join(folder, 'keys.psk'));
  });

  const compare = async (fixture: Fixture, credentials: string) => {
    const source = join(folder, 'source');
    await writeFile(source, pattern(4 * MIB));
    const image = `driver=nbd,server.type=unix,server.path=${fixture.path},tls-creds=t,tls-hostname=localhost`;
    const object = ['--object', `${credentials},id=t,endpoint=client`];
    await succeed('qemu-img', 'convert', ...object, '-n', '-f', 'raw', '--target-image-opts', source, image);
    const opts = `driver=raw,file.${image.replaceAll(',', ',file.')}`;
    return succeed(
      'qemu-img',
      'compare',
      ...object,
      '--image-opts',
      opts,
      `driver=raw,file.driver=file,file.filename=${source}`,
    );
  };

  it('with certificates', async () => {
    const fixture = await serve({ ...x509('require', true), device: 'ram:4M' });
    expect(await compare(fixture, `tls-creds-x509,dir=${x509Folder}`)).toMatch(/identical/);
  });

  it('with pre-shared keys', async () => {
    const fixture = await serve({ ...psk('require'), device: 'ram:4M' });
    const credentials = `tls-creds-psk,dir=${folder},username=bob`;
    expect((await compare(fixture, credentials)).length).toBeGreaterThan(0);
  });
});
