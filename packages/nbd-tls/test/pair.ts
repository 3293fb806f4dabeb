import { connect, createServer, type Socket } from 'node:net';
import {
  acceptTls,
  type ClientTls,
  connectTls,
  type SecureConnection,
  type ServerTls,
} from '../src/index.ts';
import { later } from '../../../tools/temporary.ts';

/** Both ends of a connection by TCP. */
export async function socketPair(): Promise<[client: Socket, server: Socket]> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  later(() => listener.close());
  const accepted = new Promise<Socket>((resolve) => listener.once('connection', resolve));
  const client = connect((listener.address() as { port: number }).port, '127.0.0.1');
  const server = await accepted;
  for (const socket of [client, server]) {
    socket.on('error', () => undefined);
    later(() => socket.destroy());
  }
  return [client, server];
}

/** What each side makes of the handshake, and of the first byte behind it: the code of an error, or who the client is. */
export interface Outcome {
  readonly client: string;
  readonly server: string;
}

/** Brings the two sides together. */
export async function meet(clientTls: ClientTls, serverTls: ServerTls): Promise<Outcome> {
  const [client, server] = await socketPair();
  const [connected, accepted] = await Promise.all([
    connectTls(client, clientTls).then(firstByte, messageOf),
    acceptTls(server, serverTls).then(greet, messageOf),
  ]);
  return { client: connected, server: accepted };
}

function messageOf(error: Error): string {
  return error.message;
}

function greet({ socket, peer }: SecureConnection): string {
  socket.on('error', () => undefined).end('!');
  return peer.user ?? peer.names.join();
}

function firstByte(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.on('data', (piece: Buffer) => {
      resolve(piece.toString());
      socket.destroy();
    });
    socket.on('error', (error) => {
      resolve(error.message);
    });
    socket.on('end', () => {
      resolve('closed');
    });
  });
}
