import { createEngine, type Port } from '@interposer/core';
import { encodeOptionReply, NbdOption, OptionReply } from '@interposer/nbd-protocol';
import { truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { pskFile, strangerFolder, x509Folder } from '../../../tools/tls/index.ts';
import { nbd } from '../src/index.ts';
import type { FakeOptions } from './fake-server.ts';
import { cleanups, cleanUp, start } from './opened.ts';
import { folder, serve } from './peer-server.ts';

afterEach(cleanUp);

async function open(uri: string): Promise<Port> {
  const engine = createEngine({ types: [nbd] });
  const port = await engine.open(uri);
  cleanups.push(async () => {
    port.close();
    await engine.close();
  });
  return port;
}

const X509 = `tls-certificates=${x509Folder}`;
const PSK = `tls-type=psk&tls-psk-file=${pskFile}`;

/** Much at once, in both directions. */
async function exercise(port: Port): Promise<void> {
  const datas = Array.from({ length: 16 }, (_, i) => Buffer.alloc(i % 3 === 0 ? 2 ** 18 : 4096, i + 1));
  await Promise.all(datas.map((data, i) => port.write(i * 512, data)));
  await port.flush();
  const reads = await Promise.all(datas.map((data, i) => port.read(i * 512, data.length / 512)));
  for (const [i, read] of reads.entries()) expect(Buffer.from(read).equals(datas[i]!)).toBe(true);
  await expect(port.extents(0, 8192)).resolves.not.toHaveLength(0);
}

describe.skipIf(!peer('nbdkit'))('nbdkit', () => {
  async function nbdkit(...words: string[]): Promise<string> {
    const socket = join(await folder(), 's');
    await serve(socket, 'nbdkit', '-f', '-U', socket, '--tls=require', ...words, 'memory', '16M');
    return socket;
  }
  const x509 = (): Promise<string> => nbdkit(`--tls-certificates=${x509Folder}`, '--tls-verify-peer');

  it('with certificates of both sides', async () => {
    await exercise(await open(`nbds+unix:///?socket=${await x509()}&${X509}&tls-hostname=localhost`));
  });

  it('with certificates, over several connections', async () => {
    await exercise(await open(`nbds+unix:///?socket=${await x509()}&${X509}&connections=3`));
  });

  it('with a shared key', async () => {
    const socket = await nbdkit(`--tls-psk=${pskFile}`);
    await exercise(await open(`nbds+unix://alice@/?socket=${socket}&${PSK}`));
  });

  it.each([
    ['a server of an authority that is not trusted', `tls-certificates=${strangerFolder}`, /not trusted/],
    ['a server of another name', `${X509}&tls-hostname=elsewhere.example`, /elsewhere\.example/],
  ])('refuses %s', async (_, keys, words) => {
    const opened = open(`nbds+unix:///?socket=${await x509()}&${keys}`);
    await expect(opened).rejects.toMatchObject({ code: 'EACCES', message: expect.stringMatching(words) });
  });

  it('a client that speaks no TLS is told to', async () => {
    const opened = open(`nbd+unix:///?socket=${await x509()}`);
    await expect(opened).rejects.toMatchObject({
      code: 'EACCES',
      message: expect.stringContaining('nbds://'),
    });
  });
});

describe.skipIf(!peer('qemu-nbd'))('qemu-nbd', () => {
  async function qemu(kind: string): Promise<string> {
    const place = await folder();
    const [socket, file] = [join(place, 's'), join(place, 'image')];
    await writeFile(file, '');
    await truncate(file, 16 * 2 ** 20);
    const object = `${kind},id=tls0,endpoint=server`;
    const words = ['--object', object, '--tls-creds', 'tls0', '-t', '-x', 'd', '-f', 'raw'];
    await serve(socket, 'qemu-nbd', '-k', socket, ...words, file);
    return socket;
  }

  it('with certificates of both sides', async () => {
    const socket = await qemu(`tls-creds-x509,dir=${x509Folder},verify-peer=yes`);
    const port = await open(`nbds+unix:///d?socket=${socket}&${X509}`);
    await exercise(port);
  });

  it('with a shared key', async () => {
    const socket = await qemu(`tls-creds-psk,dir=${dirname(pskFile)}`);
    const port = await open(`nbds+unix://bob@/d?socket=${socket}&${PSK}`);
    await exercise(port);
  });
});

describe('a server that does not do TLS', () => {
  const refused = (type: number): FakeOptions => ({ refuse: { [NbdOption.StartTls]: type } });

  it.each([
    [OptionReply.ErrUnsupported, 'ENOTSUP'],
    [OptionReply.ErrPolicy, 'EACCES'],
    [OptionReply.ErrInvalid, 'ENOTSUP'],
  ])('refusal %i of TLS is the end: nothing is asked in plain text', async (type, code) => {
    const server = await start(refused(type));
    const opened = open(server.uri.replace('nbd+', 'nbds+') + `&${X509}`);
    await expect(opened).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/refuses TLS, which is required: as the test says/),
    });
    await server.gone();
    expect(server.options).toEqual([NbdOption.StartTls, NbdOption.Abort]);
  });

  it('is refused if it is too old', async () => {
    const greeting = Buffer.from('4e42444d4147494349484156454f50540000', 'hex');
    const server = await start({ greeting });
    const opened = open(server.uri.replace('nbd+', 'nbds+') + `&${X509}`);
    await expect(opened).rejects.toMatchObject({ code: 'ENOTSUP' });
  });

  it('answers that somebody put before TLS are not taken for answers in it', async () => {
    const server = await start();
    // What comes with the greeting comes before TLS, whoever sent it.
    const greeting = Buffer.from('4e42444d4147494349484156454f50540003', 'hex');
    const ack = encodeOptionReply(NbdOption.StartTls, OptionReply.Ack);
    const forged = encodeOptionReply(NbdOption.ExtendedHeaders, OptionReply.ErrUnsupported);
    server.serves = { greeting: Buffer.concat([greeting, ack, forged]) };
    const opened = open(server.uri.replace('nbd+', 'nbds+') + `&${X509}`);
    await expect(opened).rejects.toMatchObject({
      code: 'EIO',
      message: expect.stringContaining('plain text before TLS'),
    });
  });
});
