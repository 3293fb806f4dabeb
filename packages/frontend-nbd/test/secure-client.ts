import { type ClientTls, connectTls, readClientTls } from '@interposer/nbd-tls';
import { encodeClientFlags, encodeOption, GREETING_BYTES, NbdOption } from '@interposer/nbd-protocol';
import type { Socket } from 'node:net';
import { pskFile, x509Folder } from '../../../tools/tls/index.ts';
import { later } from '../../../tools/temporary.ts';
import { RawClient } from './raw-client.ts';

/** Alice, by her certificate, and by her pre-shared key. */
export const aliceByCertificate: ClientTls = readClientTls({
  parameters: { 'tls-certificates': x509Folder },
  host: 'localhost',
});
export const aliceByKey: ClientTls = readClientTls({
  parameters: { 'tls-psk-file': pskFile },
  user: 'alice',
});

/** A connection that has sent STARTTLS, and something behind it at once, and got the ACK. */
export async function startTls(path: string, behind: Buffer = Buffer.alloc(0)): Promise<Socket> {
  const client = new RawClient(path);
  later(() => client.close());
  await client.read(GREETING_BYTES);
  client.send(Buffer.concat([encodeClientFlags(3), encodeOption(NbdOption.StartTls), behind]));
  await client.answer(NbdOption.StartTls);
  return released(client);
}

/** A client that goes on under TLS, after the ACK of STARTTLS: options are to follow. */
export async function secure(client: RawClient, settings: ClientTls): Promise<RawClient> {
  const inside = new RawClient(await connectTls(released(client), settings));
  later(() => inside.close());
  return inside;
}

/** A client under TLS from the start. */
export async function secureClient(path: string, settings: ClientTls): Promise<RawClient> {
  const client = new RawClient(path);
  await client.greet();
  await client.option(NbdOption.StartTls);
  return secure(client, settings);
}

/** The socket of a client that reads it no more. */
function released({ socket }: RawClient): Socket {
  return socket.removeAllListeners('data');
}
