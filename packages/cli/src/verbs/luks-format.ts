import type { FormatOptions } from '@interposer/format-luks';
import { withExitCode } from '../luks/exit-code.ts';
import { FORMAT_OPTIONS, formatOptions } from '../luks/options.ts';
import { formatLuksPackage } from '../luks/package.ts';
import { withNewPassphrase } from '../luks/secrets.ts';
import { expectUnused, sizeOf, withStorage } from '../luks/storage.ts';
import type { Command, Verb } from '../verb.ts';

/** Of a header file that is made: that of LUKS2 with the areas of its key slots. */
const HEADER_FILE_BYTES = 2 ** 24;

export const luksFormat: Verb = {
  name: 'luks format',
  aliases: ['luksFormat'],
  operands: 'IMG',
  count: [1, 1],
  summary: 'Make a LUKS volume of an image or device',
  about:
    'What it held is lost: an image or device that does not begin with zeroes is refused without --overwrite. The passphrase ' +
    'is typed twice on the terminal or read from --key-file. With --header the header becomes a file of its own, which is ' +
    'made if it is not there, and the data begins at the start of IMG.',
  options: ['key-file', 'keyfile-offset', 'keyfile-size', 'header', ...FORMAT_OPTIONS, 'overwrite'],
  examples: [
    { command: 'truncate -s 1G disk.img && interposer luks format disk.img', about: 'A new image' },
    {
      command: 'interposer luks format disk.img --key-file key --type luks1 --hash sha512',
      about: 'For programs that know LUKS1 only',
    },
    {
      command: 'interposer luks format disk.img --pbkdf argon2id --iterations 4 --pbkdf-memory 65536',
      about: 'Key slots that take 64 MiB to open',
    },
    {
      command: 'interposer luks format disk.img --header header.img',
      about: 'A disk that shows nothing of what it is',
    },
  ],
  run: (command) => withExitCode(command, () => format(command)),
};

async function format(command: Command): Promise<void> {
  const { formatLuks } = await formatLuksPackage();
  const image = command.operands[0]!;
  const plan = await formatOptions(command.options);
  const header = command.options.get('header');
  const detached: Partial<FormatOptions> =
    header === undefined ? {} : { detached: { dataBytes: await sizeOf(command, image) } };
  await expectUnused(command, image);
  const place = header === undefined ? { word: image } : { word: header, create: HEADER_FILE_BYTES };
  await withNewPassphrase(command, (passphrase) =>
    withStorage(command, { ...place, mode: 'write' }, async (storage) => {
      const { uuid } = await formatLuks(storage, { ...plan, ...detached, passphrase });
      command.show({ uuid }, () => '');
    }),
  );
}
