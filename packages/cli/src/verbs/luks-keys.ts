import { fail } from '@interposer/core';
import type { Kdf, LuksVolume } from '@interposer/format-luks';
import { codeOf } from '../failure.ts';
import { withExitCode } from '../luks/exit-code.ts';
import { KDF_OPTIONS, kdfOption, slotOption } from '../luks/options.ts';
import { formatLuksPackage } from '../luks/package.ts';
import { SECRET_OPTIONS, withSecret, withSecrets } from '../luks/secrets.ts';
import { withStorage } from '../luks/storage.ts';
import type { Command, Verb } from '../verb.ts';
import { withoutUndefined } from '../without-undefined.ts';
import { warnOfDamage } from './luks.ts';

const SAFE_ORDER = 'A loss of power at any moment leaves a header that opens.';

export const luksAddKey: Verb = {
  name: 'luks add-key',
  aliases: ['luksAddKey'],
  operands: 'IMG',
  count: [1, 1],
  summary: 'Add a passphrase to a LUKS volume',
  about: `Prints the key slot that it got: the lowest that is free, or --key-slot. ${SAFE_ORDER}`,
  options: [...SECRET_OPTIONS, 'new-keyfile', 'key-slot', ...KDF_OPTIONS],
  examples: [
    {
      command: 'interposer luks add-key disk.img',
      about: 'Type one that is good now, and the new one twice',
    },
    {
      command: 'interposer luks add-key disk.img --key-file key --new-keyfile next',
      about: 'Both from files',
    },
    {
      command: 'interposer luks add-key disk.img --volume-key-file volume-key',
      about: 'With the volume key, where no passphrase is left',
    },
  ],
  run: (command) =>
    changing(command, async (volume) => {
      const kdf = await newKdf(command, volume);
      const slot = slotOption(command.options);
      await withSecrets(command, async ({ secret, next }) => {
        const { volumeKey } = await volume.unlock(secret);
        try {
          showSlot(command, await volume.addKey(volumeKey, next, withoutUndefined({ slot, kdf })));
        } finally {
          volumeKey.fill(0);
        }
      });
    }),
};

export const luksChangeKey: Verb = {
  name: 'luks change-key',
  aliases: ['luksChangeKey'],
  operands: 'IMG',
  count: [1, 1],
  summary: 'Replace a passphrase of a LUKS volume',
  about:
    'Prints the key slot of the new one, which with LUKS1 is another. The new one is complete before the old one is ' +
    `overwritten, so there must be room for both. ${SAFE_ORDER}`,
  options: [...SECRET_OPTIONS.slice(0, 3), 'new-keyfile', 'key-slot', ...KDF_OPTIONS],
  examples: [
    { command: 'interposer luks change-key disk.img', about: 'Type the old one, and the new one twice' },
    {
      command: 'interposer luks change-key disk.img --key-file old --new-keyfile new',
      about: 'Both from files',
    },
  ],
  run: (command) =>
    changing(command, async (volume) => {
      const kdf = await newKdf(command, volume);
      const slot = slotOption(command.options);
      await withSecrets(command, async ({ secret, next }) => {
        if (!('passphrase' in secret)) throw fail('EINVAL', 'want the old passphrase');
        showSlot(command, await volume.changeKey(secret.passphrase, next, withoutUndefined({ slot, kdf })));
      });
    }),
};

export const luksRemoveKey: Verb = {
  name: 'luks remove-key',
  aliases: ['luksRemoveKey', 'luksKillSlot'],
  operands: 'IMG [SLOT]',
  count: [1, 2],
  summary: 'Remove a passphrase from a LUKS volume',
  about:
    'Overwrites the key slot that the passphrase opens, or SLOT, for which none is asked; with --key-file only if that opens ' +
    `a key slot that stays. The last one that opens the data stays without --overwrite. ${SAFE_ORDER}`,
  options: [...SECRET_OPTIONS.slice(0, 3), 'overwrite'],
  examples: [
    { command: 'interposer luks remove-key disk.img', about: 'The passphrase that is typed' },
    { command: 'interposer luks remove-key disk.img 3', about: 'Key slot 3, whose passphrase nobody knows' },
  ],
  run: (command) =>
    changing(command, async (volume) => {
      const slot = await slotToRemove(command, volume);
      await volume.removeKey(slot, { last: command.options.has('overwrite') });
      showSlot(command, slot);
    }),
};

async function slotToRemove(command: Command, volume: LuksVolume): Promise<number> {
  const text = command.operands[1];
  if (text !== undefined) {
    if (!/^\d{1,2}$/.test(text)) throw fail('EINVAL', `key slot ${text}: want a number`);
    if (command.options.has('key-file')) await expectOther(command, volume, Number(text));
    return Number(text);
  }
  return withSecret(command, async (secret) => {
    const { volumeKey, slot } = await volume.unlock(secret);
    volumeKey.fill(0);
    return slot!;
  });
}

/** EACCES unless the passphrase opens a key slot that stays, or the one that is to go where it is the last. */
async function expectOther(command: Command, volume: LuksVolume, removed: number): Promise<void> {
  const opening = volume.slots.filter(({ opensData }) => opensData).map(({ slot }) => slot);
  const staying = opening.filter((slot) => slot !== removed);
  await withSecret(command, async (secret) => {
    for (const slot of staying.length === 0 ? opening : staying) {
      try {
        (await volume.unlock(secret, { slot })).volumeKey.fill(0);
        return;
      } catch (error) {
        if (codeOf(error) !== 'EACCES') throw error;
      }
    }
    throw fail('EACCES', 'no key slot that stays opens with this passphrase');
  });
}

/** Of a new key slot: the hash of a LUKS1 volume is that of all its slots. */
function newKdf({ options }: Command, volume: LuksVolume): Promise<Kdf | undefined> {
  const { hash } = volume.describe();
  return kdfOption(options, volume.version, typeof hash === 'string' ? hash : undefined);
}

function showSlot(command: Command, slot: number): void {
  command.show({ slot }, () => `${String(slot)}\n`);
}

function changing(command: Command, work: (volume: LuksVolume) => Promise<void>): Promise<number> {
  return withExitCode(command, async () => {
    const { readLuks } = await formatLuksPackage();
    await withStorage(command, { word: command.operands[0]!, mode: 'write' }, async (storage) => {
      const volume = await readLuks(storage);
      warnOfDamage(command, volume);
      await work(volume);
    });
  });
}
