import { type Edit, splitWords } from '@interposer/core';
import { readText } from '../io.ts';
import { stackFiles } from '../stack-files.ts';
import { userFile } from '../user-file.ts';
import type { Command, Verb } from '../verb.ts';

export const apply: Verb = {
  name: 'apply',
  operands: 'FILE|-',
  count: [1, 1],
  summary: 'Make several edits of live devices in one step, all or none',
  about:
    'A YAML list of attach, detach, swap, reload, remap and unremap, over any devices; docs/stack-file.md has the format. ' +
    'Requests wait at the gates until all is in place; when one edit cannot be, nothing is changed. Relative paths start in ' +
    'the folder of the file, or where you stand for standard input. Prints what was done.',
  options: [],
  examples: [
    { command: 'interposer apply faster.transaction.yaml', about: 'A file' },
    {
      command: `echo '[{ swap: { device: disk, old: error, new: stats } }]' | interposer apply -`,
      about: 'Standard input',
    },
  ],
  run: async (command) => {
    const { edits, directory } = await readEdits(command);
    const service = await command.service();
    await service.chdir(directory);
    await service.transaction(edits);
    const done = edits.map(withoutArguments);
    command.show(done, () => done.map((edit) => `${editText(edit)}\n`).join(''));
    return undefined;
  },
};

async function readEdits(
  command: Command,
): Promise<{ readonly edits: readonly Edit[]; readonly directory: string }> {
  const { around } = command;
  const file = command.operands[0]!;
  const environment = around.env;
  const { parseTransaction, readTransactionFile } = await stackFiles();
  if (file !== '-') return readTransactionFile(userFile(command, file), { environment });
  const { edits } = parseTransaction(await readText(around.stdin), { file: 'stdin', environment });
  return { edits, directory: around.cwd };
}

/** An edit as it is shown: tables and arguments of filters may have secrets in them. */
type ShownEdit = Exclude<Edit, { kind: 'reload' }> | { readonly kind: 'reload'; readonly device: string };

function withoutArguments(edit: Edit): ShownEdit {
  switch (edit.kind) {
    case 'attach':
      return { ...edit, filter: splitWords(edit.filter)[0]! };
    case 'swap':
      return { ...edit, new: splitWords(edit.new)[0]! };
    case 'reload':
      return { kind: 'reload', device: edit.device };
    default:
      return edit;
  }
}

function editText(edit: ShownEdit): string {
  switch (edit.kind) {
    case 'attach':
      return `attached ${edit.filter} to ${edit.device}`;
    case 'detach':
      return `detached ${edit.filter} from ${edit.device}`;
    case 'swap':
      return `swapped ${edit.old} for ${edit.new} on ${edit.device}`;
    case 'reload':
      return `reloaded ${edit.device}`;
    case 'remap-start':
      return `remapped ${edit.device} to ${edit.mapped}`;
    case 'remap-finish':
      return `ended the remap to ${edit.mapped}`;
  }
}
