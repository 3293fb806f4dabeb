import { fail } from '@interposer/core';
import type { Secret } from '@interposer/format-luks';
import { countOption } from '../option-values.ts';
import { userFile } from '../user-file.ts';
import type { Command } from '../verb.ts';
import { type KeyPart, LARGEST_KEY_FILE, readKey, readKeyFile } from './key-file.ts';
import { Terminal } from './terminal.ts';

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
      file ??
        (await Terminal.use(command.around, (terminal) => askTwice(terminal, promptFor(command), keep))),
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
      next: next ?? (await askTwice(terminal, `New passphrase for ${command.operands[0]!}: `, keep)),
    }));
    return work(typed);
  });
}

/**
 * Works with a key: all bytes of `--key-file`, with `--hex` the digits in it, or digits that are typed. EINVAL for other
 * characters, blanks aside.
 */
export function withKeyBytes<T>(command: Command, work: (key: Buffer) => Promise<T>): Promise<T> {
  return wiping(async (keep) => {
    const file = await keyFile(command, 'key-file', keep);
    if (file !== undefined && !command.options.has('hex')) return work(file);
    const prompt = `Key ${command.operands[0]!} in hexadecimal: `;
    return work(
      keep(fromHex(file ?? keep(await Terminal.use(command.around, (terminal) => terminal.ask(prompt))))),
    );
  });
}

/** Digit by digit: a string of them could not be overwritten. */
function fromHex(text: Buffer): Buffer {
  const key = Buffer.alloc(text.length >> 1);
  let digits = 0;
  for (const byte of text) {
    if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) continue;
    const digit = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57;
    const isDigit = digit >= 0 && digit <= 15 && (byte < 0x40 || digit >= 10);
    // An odd digit at the end has no byte, and is found by the count below.
    if (!isDigit) digits = NaN;
    else if (digits >> 1 < key.length) key[digits >> 1]! |= digits % 2 === 0 ? digit << 4 : digit;
    digits++;
  }
  if (digits > 0 && digits % 2 === 0) return key.subarray(0, digits / 2);
  key.fill(0);
  throw fail('EINVAL', 'the key is not in hexadecimal, with two digits for each byte');
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

async function askTwice(terminal: Terminal, prompt: string, keep: Keep): Promise<Buffer> {
  const passphrase = keep(await terminal.ask(prompt));
  const again = keep(await terminal.ask('The same again: '));
  const isSame = passphrase.equals(again);
  if (isSame && passphrase.length > 0) return passphrase;
  throw fail('EINVAL', isSame ? 'the passphrase is empty' : 'these are two different passphrases');
}

/** The bytes of the file that an option names; its last newline, too, belongs to the key. */
async function keyFile(command: Command, option: string, keep: Keep): Promise<Buffer | undefined> {
  const name = command.options.get(option);
  if (name === undefined) return undefined;
  const part = option === 'key-file' ? partOption(command) : { offset: 0, size: undefined };
  const label = `--${option} ${name}`;
  return keep(
    name === '-'
      ? await readKey(command.around.stdin, label, part)
      : await readKeyFile(userFile(command, name), label, part),
  );
}

function partOption({ options }: Command): KeyPart {
  const size = countOption(options, 'keyfile-size');
  if (size !== undefined && size > LARGEST_KEY_FILE) {
    throw fail(
      'EINVAL',
      `--keyfile-size ${String(size)}: up to ${String(LARGEST_KEY_FILE)} bytes are allowed`,
    );
  }
  return { offset: countOption(options, 'keyfile-offset', 0) ?? 0, size };
}
