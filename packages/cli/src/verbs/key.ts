import { fail, isKeyType, KEY_TYPES, type KeyInfo, type KeyType } from '@interposer/core';
import { withKeyBytes } from '../luks/secrets.ts';
import type { Verb } from '../verb.ts';
import { formatTable } from './text-table.ts';

export const keyAdd: Verb = {
  name: 'key add',
  operands: 'TYPE:DESCRIPTION',
  count: [1, 1],
  summary: 'Give the daemon a key that tables can name',
  about:
    'A crypt table, or filter, names it as :SIZE:TYPE:DESCRIPTION, with its size in bytes, so that the key stands in no table. ' +
    `TYPE is ${KEY_TYPES.join(', ')}, which makes no difference here; DESCRIPTION has no blanks. All bytes of --key-file ` +
    'are the key, a newline at its end as well, unless --hex is given; without --key-file it is typed in hexadecimal. A key of ' +
    'that name is replaced; devices that have it keep it. It is in the memory of the daemon only, until key remove or the ' +
    "daemon's end.",
  options: ['key-file', 'keyfile-offset', 'keyfile-size', 'hex'],
  examples: [
    { command: 'interposer key add logon:disk:1 --key-file volume-key', about: 'From a file' },
    {
      command: 'head -c 64 /dev/urandom | interposer key add logon:swap --key-file -',
      about: 'One for this run of the daemon only',
    },
    { command: 'interposer key add user:old --key-file key.hex --hex', about: 'From hexadecimal digits' },
  ],
  run: async (command) => {
    const { type, name } = keyOperand(command.operands[0]!);
    await withKeyBytes(command, async (key) => {
      const service = await command.service();
      await service.addKey(type, name, key);
    });
    return undefined;
  },
};

export const keyLs: Verb = {
  name: 'key ls',
  operands: '',
  count: [0, 0],
  summary: 'List the keys that tables can name',
  about: 'Their names and sizes in bytes; nothing shows the keys themselves.',
  options: [],
  examples: [{ command: 'interposer key ls', about: 'All of them' }],
  run: async (command) => {
    const service = await command.service();
    const keys = await service.keys();
    command.show(keys, () => (keys.length === 0 ? 'No keys found\n' : listing(keys)));
    return undefined;
  },
};

export const keyRemove: Verb = {
  name: 'key remove',
  aliases: ['key rm'],
  operands: 'TYPE:DESCRIPTION',
  count: [1, 1],
  summary: 'Wipe a key that tables can name',
  about: 'Devices that have it keep it: they are closed, or told to forget it by message NAME 0 key wipe.',
  options: [],
  examples: [{ command: 'interposer key remove logon:disk:1', about: 'By its name' }],
  run: async (command) => {
    const { type, name } = keyOperand(command.operands[0]!);
    const service = await command.service();
    await service.removeKey(type, name);
    return undefined;
  },
};

/** The description may have colons of its own. */
function keyOperand(text: string): { readonly type: KeyType; readonly name: string } {
  const colon = text.indexOf(':');
  const type = text.slice(0, Math.max(0, colon));
  const name = text.slice(colon + 1);
  if (isKeyType(type) && name !== '') return { type, name };
  // Not what was given: somebody may have taken this for the place of the key.
  throw fail('EINVAL', `want TYPE:DESCRIPTION, with the type ${KEY_TYPES.join(', ')}`);
}

function listing(keys: readonly KeyInfo[]): string {
  const rows = keys.map(({ type, name, size }) => [`${type}:${name}`, String(size)]);
  return formatTable(['KEY', 'BYTES'], rows, ['BYTES']);
}
