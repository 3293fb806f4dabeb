import { fail } from '@interposer/core';
import type { LuksVolume, Secret } from '@interposer/format-luks';
import { opening, withExitCode } from '../luks/exit-code.ts';
import { slotOption } from '../luks/options.ts';
import { formatLuksPackage } from '../luks/package.ts';
import { SECRET_OPTIONS, withSecret } from '../luks/secrets.ts';
import { withStorage } from '../luks/storage.ts';
import type { Command, Verb } from '../verb.ts';
import { checkName } from './create.ts';

export const luksOpen: Verb = {
  name: 'luks open',
  aliases: ['luksOpen'],
  operands: 'IMG [NAME]',
  count: [1, 2],
  summary: 'Make a mapped device with the data of a LUKS volume',
  about:
    'IMG is an image or a device. The passphrase is typed on the terminal or read from --key-file, all of that file, and ' +
    'never taken from the command line. The key goes into a crypt table in the daemon, which table hides. With ' +
    '--test-passphrase no device is made and no NAME is wanted. Options that the header keeps, such as allow-discards, hold.',
  options: [...SECRET_OPTIONS, 'key-slot', 'header', 'readonly', 'allow-discards', 'test-passphrase'],
  examples: [
    { command: 'interposer luks open disk.img secret', about: 'The data as the device secret' },
    {
      command: 'interposer luks open disk.img secret --key-file key --readonly',
      about: 'With a key file, not to be written to',
    },
    {
      command: 'interposer luks open disk.img secret --header header.img',
      about: 'A disk whose header is elsewhere',
    },
    {
      command: 'head -c 32 key | interposer luks open disk.img --test-passphrase --key-file -',
      about: 'Only see whether a key fits',
    },
  ],
  run: (command) => withExitCode(command, () => open(command)),
};

async function open(command: Command): Promise<void> {
  const { operands, options } = command;
  const [image, name] = operands;
  if ((name === undefined) !== options.has('test-passphrase')) {
    throw fail('EINVAL', 'want the NAME of the device, or --test-passphrase instead');
  }
  if (name !== undefined) checkName(name);
  const { readLuks } = await formatLuksPackage();
  const word = options.get('header') ?? image!;
  await withStorage(command, { word, mode: 'read' }, async (storage) => {
    const volume = await readLuks(storage);
    warnOfDamage(command, volume);
    await withSecret(command, (secret) => openVolume(command, volume, secret));
  });
}

async function openVolume(command: Command, volume: LuksVolume, secret: Secret): Promise<void> {
  const { operands, options } = command;
  const slot = slotOption(options);
  const unlocked = await volume.unlock(secret, slot === undefined ? {} : { slot });
  try {
    const name = operands[1];
    if (name !== undefined) await mapVolume(command, volume, unlocked.volumeKey, name);
    const opened =
      unlocked.slot === undefined ? 'The volume key fits.' : `Key slot ${String(unlocked.slot)} opens.`;
    if (name === undefined || options.has('json')) {
      command.show(
        { slot: unlocked.slot ?? null, ...(name === undefined ? {} : { name }) },
        () => `${opened}\n`,
      );
    }
  } finally {
    unlocked.volumeKey.fill(0);
  }
}

async function mapVolume(
  command: Command,
  volume: LuksVolume,
  volumeKey: Buffer,
  name: string,
): Promise<void> {
  const { operands, options } = command;
  const device = operands[0]!;
  const { cryptTable, mappedUuid } = await formatLuksPackage();
  const service = await command.service();
  const held = await opening(() => service.hold(device, 'read'));
  await service.release(held.device);
  const table = cryptTable(volume, volumeKey, {
    device,
    sectors: held.sectors,
    detached: options.has('header'),
    options: options.has('allow-discards') ? ['allow_discards'] : [],
  });
  const readOnly = options.has('readonly');
  await service.create(name, { table, uuid: mappedUuid(volume, name), readOnly });
}

/** Of a header that could be read nevertheless. */
export function warnOfDamage({ around }: Command, { damage }: LuksVolume): void {
  if (damage !== undefined) {
    around.stderr.write(
      `interposer: ${damage}; it is written again with the next change, or by luks repair\n`,
    );
  }
}

export const luksClose: Verb = {
  name: 'luks close',
  aliases: ['luksClose'],
  operands: 'NAME',
  count: [1, 1],
  summary: 'Remove the device of a LUKS volume, and forget its key',
  about: 'One that is open stays and the command fails; with --deferred it goes when its last user does.',
  options: ['deferred'],
  examples: [{ command: 'interposer luks close secret', about: 'A device that nobody uses' }],
  run: (command) =>
    withExitCode(command, async () => {
      const name = command.operands[0]!;
      const { isLuksUuid } = await formatLuksPackage();
      const service = await command.service();
      const { uuid } = await service.info(name);
      if (!isLuksUuid(uuid)) throw fail('EINVAL', `${name} is not the device of a LUKS volume`);
      await service.remove(name, { deferred: command.options.has('deferred') });
    }),
};

export const luksDump: Verb = {
  name: 'luks dump',
  aliases: ['luksDump'],
  operands: 'IMG',
  count: [1, 1],
  summary: 'Print what stands in a LUKS header',
  about:
    'As cryptsetup luksDump prints it: data, key slots, tokens and digests. Nothing of it is secret. With --json, as data, ' +
    'of LUKS2 with the metadata as they are.',
  options: [],
  examples: [
    { command: 'interposer luks dump disk.img', about: 'An image' },
    { command: 'interposer luks dump --json disk.img', about: 'For programs' },
  ],
  run: (command) =>
    withExitCode(command, async () => {
      const { readLuks } = await formatLuksPackage();
      await withStorage(command, { word: command.operands[0]!, mode: 'read' }, async (storage) => {
        const volume = await readLuks(storage);
        warnOfDamage(command, volume);
        command.show(volume.describe(), () => volume.dump());
      });
    }),
};
