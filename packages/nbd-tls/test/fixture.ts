import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { later, temporaryFolder } from '../../../tools/temporary.ts';
import { type ClientTls, connectTls } from '../src/index.ts';

/** Starts a server program and waits for its socket; `@` in its arguments stands for the socket's path. */
export async function startServer(program: string, ...args: readonly string[]): Promise<string> {
  const path = join(await temporaryFolder(), 'nbd.sock');
  const child = spawn(
    program,
    args.map((arg) => arg.replace('@', path)),
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  later(() => stop(child));
  let said = '';
  child.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
  while (!(await answers(path))) {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return path;
}

/** Whether somebody listens: a socket file is there a moment earlier. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path }, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => {
      resolve(false);
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

const GREETING_BYTES = 18;
const REPLY_BYTES = 20;
const STARTTLS = 5;
const LIST = 3;

/** A connection on which the server has agreed to STARTTLS. */
export async function startTls(path: string): Promise<Socket> {
  const socket = connect({ path });
  later(() => socket.destroy());
  socket.on('error', () => undefined);
  await read(socket, GREETING_BYTES);
  socket.write(Buffer.concat([Buffer.from([0, 0, 0, 3]), option(STARTTLS)]));
  const reply = await read(socket, REPLY_BYTES);
  if (reply.readUInt32BE(12) !== 1) throw new Error(`the server refuses: ${reply.toString('hex')}`);
  return socket;
}

/** Secures a connection and asks for a list over it: the type of the first reply. */
export async function listSecurely(path: string, settings: ClientTls): Promise<number> {
  const secure = await connectTls(await startTls(path), settings);
  later(() => secure.destroy());
  secure.write(option(LIST));
  return (await read(secure, REPLY_BYTES)).readUInt32BE(12);
}

function option(number: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.write('IHAVEOPT');
  bytes.writeUInt32BE(number, 8);
  return bytes;
}

function read(socket: Socket | TLSSocket, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const failed = (error?: Error) => {
      reject(error ?? new Error('closed'));
    };
    const look = () => {
      const piece = socket.read(bytes) as Buffer | null;
      if (piece === null) return;
      socket.off('readable', look);
      socket.off('error', failed);
      socket.off('close', failed);
      resolve(piece);
    };
    socket.on('readable', look);
    socket.on('error', failed);
    socket.on('close', failed);
    look();
  });
}

/** A folder with the keys under the name that qemu looks for. */
export async function keysForQemu(keys: string): Promise<string> {
  const folder = await temporaryFolder();
  await copyFile(keys, join(folder, 'keys.psk'));
  return folder;
}
