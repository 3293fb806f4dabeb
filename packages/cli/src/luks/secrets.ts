import { type FileHandle, open } from 'node:fs/promises';
import { fail, fromSystemError, isInterposerError } from '@interposer/core';
import type { Secret } from '@interposer/format-luks';
import { countOption } from '../option-values.ts';
import { userFile } from '../user-file.ts';
import type { Command } from '../verb.ts';
import { Terminal } from './terminal.ts';

/** As with cryptsetup: a larger key file is one by mistake. */
const LARGEST_KEY_FILE = 2 ** 23;

/** What opens a volume, and the passphrase of a new key slot. */
export interface Secrets {
  readonly secret: Secret;
  readonly next: Buffer;
}

/** Options with which a volume is opened. */
export const SECRET_OPTIONS: readonly string[] = [
  'key-file',
  'keyfile-offset',
  'keyfile-size',
  'volume-key-file',
];

/**
 * Works with what opens a volume: `--key-file`, `--volume-key-file`, or what is typed on the terminal. It is overwritten
 * afterwards. Nothing takes a passphrase from the command line, which every user can see.
 */
export function withSecret<T>(command: Command, work: (secret: Secret) => Promise<T>): Promise<T> {
  return wiping(async (keep) => {
    const given = await givenSecret(command, keep);
    if (given !== undefined) return work(given);
    const passphrase = await Terminal.use(command.around, (terminal) => terminal.ask(promptFor(command)));
    return work({ passphrase: keep(passphrase) });
  });
}

/** Works with a new passphrase: `--key-file`, or typed twice. */
export function withNewPassphrase<T>(command: Command, work: (passphrase: Buffer) => Promise<T>): Promise<T> {
  return wiping(async (keep) => {
    const file = await keyFile(command, 'key-file', keep);
    return work(
      file ?? keep(await Terminal.use(command.around, (terminal) => askTwice(terminal, promptFor(command)))),
    );
  });
}

/** Works with both: `--new-keyfile` is the new one. */
export function withSecrets<T>(command: Command, work: (secrets: Secrets) => Promise<T>): Promise<T> {
  return wiping(async (keep) => {
    const { options, around } = command;
    if (options.get('key-file') === '-' && options.get('new-keyfile') === '-') {
      throw fail('EINVAL', 'only one of --key-file and --new-keyfile can be standard input');
    }
    const given = await givenSecret(command, keep);
    const next = await keyFile(command, 'new-keyfile', keep);
    if (given !== undefined && next !== undefined) return work({ secret: given, next });
    const typed = await Terminal.use(around, async (terminal) => ({
      secret: given ?? { passphrase: keep(await terminal.ask(promptFor(command))) },
      next: next ?? keep(await askTwice(terminal, `New passphrase for ${command.operands[0]!}: `)),
    }));
    return work(typed);
  });
}

type Keep = (bytes: Buffer) => Buffer;

/** Overwrites what was kept, whatever happens. */
async function wiping<T>(work: (keep: Keep) => Promise<T>): Promise<T> {
  const kept: Buffer[] = [];
  try {
    return await work((bytes) => {
      kept.push(bytes);
      return bytes;
    });
  } finally {
    for (const bytes of kept) bytes.fill(0);
  }
}

async function givenSecret(command: Command, keep: Keep): Promise<Secret | undefined> {
  const { options } = command;
  if (options.has('key-file') && options.has('volume-key-file')) {
    throw fail('EINVAL', '--key-file and --volume-key-file are two ways to open: give one');
  }
  const volumeKey = await keyFile(command, 'volume-key-file', keep);
  if (volumeKey !== undefined) return { volumeKey };
  const passphrase = await keyFile(command, 'key-file', keep);
  return passphrase === undefined ? undefined : { passphrase };
}

function promptFor({ operands }: Command): string {
  return `Passphrase for ${operands[0]!}: `;
}

async function askTwice(terminal: Terminal, prompt: string): Promise<Buffer> {
  const passphrase = await terminal.ask(prompt);
  const again = await terminal.ask('The same again: ');
  const isSame = passphrase.equals(again);
  again.fill(0);
  if (isSame && passphrase.length > 0) return passphrase;
  passphrase.fill(0);
  throw fail('EINVAL', isSame ? 'the passphrase is empty' : 'these are two different passphrases');
}

/** All bytes of the file that an option names; its last newline, too, belongs to the key. */
async function keyFile(command: Command, option: string, keep: Keep): Promise<Buffer | undefined> {
  const name = command.options.get(option);
  if (name === undefined) return undefined;
  const isPart = option === 'key-file';
  const start = isPart ? (countOption(command.options, 'keyfile-offset', 0) ?? 0) : 0;
  const size = isPart ? countOption(command.options, 'keyfile-size') : undefined;
  const whole = keep(
    name === '-' ? await readStandardInput(command) : await readKeyFile(userFile(command, name)),
  );
  if (whole.length === 0) throw fail('EINVAL', `--${option} ${name}: it is empty`);
  if (whole.length >= start + (size ?? 1))
    return whole.subarray(start, size === undefined ? undefined : start + size);
  throw fail(
    'EINVAL',
    `--${option} ${name}: it has ${String(whole.length)} bytes, which is less than asked for`,
  );
}

async function readStandardInput({ around }: Command): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of around.stdin) {
    chunks.push(Buffer.from(chunk));
    length += chunk.length;
    if (length > LARGEST_KEY_FILE) throw tooLarge('standard input');
  }
  const whole = Buffer.concat(chunks);
  for (const chunk of chunks) chunk.fill(0);
  return whole;
}

async function readKeyFile(path: string): Promise<Buffer> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    // One byte more than is allowed, to see whether there is more. It can be a device or a pipe, which has no size.
    const buffer = Buffer.alloc(LARGEST_KEY_FILE + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      ({ bytesRead: read } = await file.read(buffer, length, buffer.length - length, null));
    }
    if (length > LARGEST_KEY_FILE) throw tooLarge(path);
    const whole = Buffer.from(buffer.subarray(0, length));
    buffer.fill(0, 0, length);
    return whole;
  } catch (error) {
    throw isInterposerError(error) ? error : fromSystemError(error, `key file ${path}`);
  } finally {
    await file?.close();
  }
}

function tooLarge(name: string): Error {
  return fail('EINVAL', `${name} is larger than ${String(LARGEST_KEY_FILE)} bytes, too much for a key`);
}
