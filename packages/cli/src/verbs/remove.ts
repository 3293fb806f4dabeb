import { CommandFailure, codeOf } from '../failure.ts';
import { operationFailure, someDevices, type Subject } from '../mapped-names.ts';
import type { Service } from '../service.ts';
import { ANY, type Command, type Verb } from '../verb.ts';

/** dmsetup's: how often `--retry` tries, and the time in between in milliseconds. */
const TRIES = 25;
const PAUSE = 200;

export const remove: Verb = {
  name: 'remove',
  dmsetup: true,
  operands: 'DEV...',
  count: [0, ANY],
  summary: 'Remove mapped devices',
  about:
    'One that is open stays and the command fails. With --force its table becomes an error target, so that nobody waits ' +
    'for it; with --deferred it goes when its last user does.',
  options: ['force', 'deferred', 'retry', 'uuid', 'major', 'minor'],
  examples: [
    { command: 'interposer remove disk', about: 'A device that nobody uses' },
    { command: 'interposer remove --deferred disk', about: 'As soon as nobody uses it' },
  ],
  run: async (command) => {
    const service = await command.service();
    for (const subject of await someDevices(command, 'remove')) await removeOne(command, service, subject);
    return undefined;
  },
};

async function removeOne(command: Command, service: Service, { name, subject }: Subject): Promise<void> {
  const force = command.options.has('force');
  const deferred = command.options.has('deferred');
  const tries = command.options.has('retry') ? TRIES : 1;
  const lines: string[] = [];
  for (let left = tries - 1; ; left--) {
    try {
      await service.remove(name, { force, deferred });
      return;
    } catch (error) {
      const isMissing = codeOf(error) === 'ENXIO';
      // With --force dmsetup has asked for the size and loaded the error table before.
      const steps = force && isMissing ? ['table', 'reload', 'remove'] : ['remove'];
      lines.push(...steps.flatMap((step) => operationFailure(step, subject, error).lines));
      if (left <= 0 || codeOf(error) !== 'EBUSY') throw new CommandFailure(lines, { cause: error });
      await command.around.sleep(PAUSE);
    }
  }
}

export const removeAll: Verb = {
  name: 'remove_all',
  dmsetup: true,
  operands: '',
  count: [0, 0],
  summary: 'Remove every mapped device that nobody uses',
  about: 'Open ones stay. With --force their tables become error targets.',
  options: ['force'],
  examples: [{ command: 'interposer remove_all', about: 'Clean up' }],
  run: async (command) => {
    const service = await command.service();
    await removeUnused(service, false);
    if (!command.options.has('force')) return undefined;
    await removeUnused(service, true);
    const left = (await service.list()).length;
    if (left > 0) command.around.stderr.write(`Unable to remove ${String(left)} device(s).\n`);
    return undefined;
  },
};

/** Again and again, since a device is in use as long as one stands on it. */
async function removeUnused(service: Service, force: boolean): Promise<void> {
  for (let before = Infinity; ;) {
    const devices = await service.list();
    if (devices.length === 0 || devices.length >= before) return;
    before = devices.length;
    for (const { name } of devices) {
      await service.remove(name, { force }).catch((error: unknown) => {
        if (codeOf(error) !== 'EBUSY' && codeOf(error) !== 'ENXIO')
          throw operationFailure('remove_all', { name }, error);
      });
    }
  }
}
