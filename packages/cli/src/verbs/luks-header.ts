import { open } from 'node:fs/promises';
import { fromSystemError } from '@interposer/core';
import { withExitCode } from '../luks/exit-code.ts';
import { formatLuksPackage } from '../luks/package.ts';
import { withStorage } from '../luks/storage.ts';
import { userFile } from '../user-file.ts';
import type { Verb } from '../verb.ts';

/** As with cryptsetup: the owner may read it, nobody may write to it. */
const BACKUP_MODE = 0o400;

export const luksHeaderBackup: Verb = {
  name: 'luks header-backup',
  aliases: ['luksHeaderBackup'],
  operands: 'IMG FILE',
  count: [2, 2],
  summary: 'Save the header of a LUKS volume with its key slots',
  about:
    'FILE must not be there. Who has it opens the volume with any passphrase that is good now, also after that was changed or removed: keep it ' +
    'as safe as the passphrases.',
  options: [],
  examples: [
    { command: 'interposer luks header-backup disk.img disk.luks', about: 'Before anything goes wrong' },
  ],
  run: (command) =>
    withExitCode(command, async () => {
      const [image, name] = command.operands;
      const { backupHeader } = await formatLuksPackage();
      const backup = await withStorage(command, { word: image!, mode: 'read' }, backupHeader);
      await writeNew(userFile(command, name!), backup);
    }),
};

async function writeNew(path: string, data: Buffer): Promise<void> {
  try {
    const file = await open(path, 'wx', BACKUP_MODE);
    try {
      await file.writeFile(data);
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

export const luksHeaderRestore: Verb = {
  name: 'luks header-restore',
  aliases: ['luksHeaderRestore'],
  operands: 'IMG FILE',
  count: [2, 2],
  summary: 'Write the saved header of a LUKS volume back',
  about:
    'All key slots become those of the backup. Where there is no header to replace, or one of another volume, only with ' +
    '--overwrite. A loss of power leaves a header; one whose key slots have the places of others opens only when it is done: ' +
    'keep FILE.',
  options: ['overwrite'],
  examples: [
    { command: 'interposer luks header-restore disk.img disk.luks', about: 'The passphrases of then' },
    {
      command: 'interposer luks header-restore disk.img disk.luks --overwrite',
      about: 'A disk whose header is lost',
    },
  ],
  run: (command) =>
    withExitCode(command, async () => {
      const [image, name] = command.operands;
      const { restoreHeader } = await formatLuksPackage();
      const backup = await readBackup(userFile(command, name!));
      await withStorage(command, { word: image!, mode: 'write' }, (storage) =>
        restoreHeader(storage, backup, { force: command.options.has('overwrite') }),
      );
    }),
};

/** The header that a file begins with, and no more of it than that: it can be as large as a disk. */
async function readBackup(path: string): Promise<Buffer> {
  const { backupHeader, openImageFile } = await formatLuksPackage();
  const file = await openImageFile(path, 'read');
  try {
    return await backupHeader(file);
  } finally {
    await file.close();
  }
}

export const luksRepair: Verb = {
  name: 'luks repair',
  operands: 'IMG',
  count: [1, 1],
  summary: 'Write the damaged copy of a LUKS2 header again',
  about:
    'LUKS2 has two copies; the one that is right is taken. Every change of key slots does the same, except where the device does not ' +
    'begin with LUKS any more: be sure then that nothing else was written over it.',
  options: [],
  examples: [{ command: 'interposer luks repair disk.img', about: 'What luks dump warned of' }],
  run: (command) =>
    withExitCode(command, async () => {
      const { readLuks } = await formatLuksPackage();
      await withStorage(command, { word: command.operands[0]!, mode: 'write' }, async (storage) => {
        const volume = await readLuks(storage);
        const { damage } = volume;
        await volume.repair();
        command.show({ repaired: damage ?? null }, () =>
          damage === undefined ? 'Nothing is damaged.\n' : `Repaired: ${damage}.\n`,
        );
      });
    }),
};
