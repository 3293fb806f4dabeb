import { fail } from '@interposer/core';
import type { SnapshotInfo } from '@interposer/live-snapshot';
import { followActivity } from '../activity-display.ts';
import type { Options } from '../command-line.ts';
import { EXPORT_OPTIONS } from '../export-settings.ts';
import { codeOf } from '../failure.ts';
import { countOption, sizeOption } from '../option-values.ts';
import type { Service, SnapshotOptions } from '../service.ts';
import { ANY, type Command, type Verb } from '../verb.ts';
import { withoutUndefined } from '../without-undefined.ts';
import { serveDevice } from './export.ts';
import { formatTable } from './text-table.ts';

export const snapshotCreate: Verb = {
  name: 'snapshot create',
  operands: 'DEV...',
  count: [1, ANY],
  summary: 'Make a snapshot of a device in use',
  about:
    'The snapshot is a mapped device that shows DEV as it is at this moment, and can be written to. Whoever has DEV open goes ' +
    'on. Several devices are taken at one and the same moment, all or none. Without --store, or with --store auto, the store ' +
    'is a new file NAME.cow beside the image of DEV, and is deleted with the snapshot; a FILE is made where there is none, and ' +
    'stays. A file that is made takes room only as DEV changes and cannot overflow, but for a --size of its own. With several ' +
    'devices --store and --name are given once for each, in the same order, or not at all. Prints the names of the snapshots.',
  options: ['store', 'name', 'chunk', 'size', 'transient', 'altitude'],
  examples: [
    { command: 'interposer snapshot create disk.img', about: 'With a store beside the image' },
    { command: 'interposer snapshot create disk --name before --store /var/tmp/before.cow', about: 'Named' },
    { command: 'interposer snapshot create data log', about: 'Of two disks at one moment' },
  ],
  run: async (command) => {
    const requests = createRequests(command);
    const service = await command.service();
    const infos = await service.createSnapshots(requests);
    command.show(infos, () => infos.map(({ name }) => `${name}\n`).join(''));
    return undefined;
  },
};

export const snapshotLs: Verb = {
  name: 'snapshot ls',
  operands: '',
  count: [0, 0],
  summary: 'List the snapshots',
  about:
    'USED is how much of the store is taken. STATE is active; invalid, where the store was full or failed and the snapshot is ' +
    'of no use any more; merging, or merge-failed.',
  options: [],
  examples: [{ command: 'interposer snapshot ls', about: 'All of them' }],
  run: async (command) => {
    const service = await command.service();
    const infos = await service.snapshots();
    command.show(infos, () => (infos.length === 0 ? 'No snapshots found\n' : listing(infos)));
    return undefined;
  },
};

export const snapshotOpen: Verb = {
  name: 'snapshot open',
  operands: 'DEV',
  count: [1, 1],
  summary: 'Bring a snapshot up again after a restart',
  about:
    'To be done before anything writes to DEV: what is written without the snapshot is not kept for it. A store knows ' +
    'nothing of its device: DEV must be the one it was made for. The name is that of the snapshot from now on; without ' +
    '--store it is also that of the store. A merge that was interrupted must go on, with --merge: until it is over only DEV ' +
    'and the store together are the device. Prints the name.',
  options: ['store', 'name', 'merge', 'no-wait', 'altitude'],
  examples: [
    { command: 'interposer snapshot open disk.img', about: 'From the store beside the image' },
    {
      command: 'interposer snapshot open disk.img --name before --merge',
      about: 'And back to what it holds',
    },
  ],
  run: async (command) => {
    const { options, operands } = command;
    const merge = options.has('merge');
    const service = await command.service();
    const info = await service.openSnapshot({
      device: operands[0]!,
      merge,
      ...withoutUndefined({
        store: options.get('store'),
        name: options.get('name'),
        altitude: options.get('altitude'),
      }),
    });
    if (!merge || options.has('no-wait')) command.show(info, () => `${info.name}\n`);
    else await mergeToEnd(command, service, info.name, info);
    return undefined;
  },
};

export const snapshotExport: Verb = {
  name: 'snapshot export',
  operands: 'NAME',
  count: [1, 1],
  summary: 'Serve a snapshot over NBD',
  about: 'As export add does, but read-only. export rm ends it.',
  options: ['unix', 'port', 'host', 'as', 'writable', ...EXPORT_OPTIONS],
  examples: [
    {
      command: 'interposer snapshot export before --unix /tmp/before.sock',
      about: 'For a backup, or to look what was',
    },
  ],
  run: async (command) => {
    const [name] = command.operands;
    const service = await command.service();
    const { name: known } = await findSnapshot(service, name!);
    return serveDevice(command, known, !command.options.has('writable'));
  },
};

export const snapshotMerge: Verb = {
  name: 'snapshot merge',
  operands: 'NAME',
  count: [1, 1],
  summary: 'Make a device what its snapshot is',
  about:
    'Back to what the device was; what was written to the snapshot becomes part of the device. What was written to the device ' +
    'since is lost, but for other snapshots. From the first moment on whoever uses the device sees the result; nobody may ' +
    'have a file system on it mounted, for that does not expect it. At the end the snapshot is gone. What is done is shown as ' +
    'by wait --progress; the merge goes on where nobody waits for it.',
  options: ['no-wait'],
  examples: [{ command: 'interposer snapshot merge before', about: 'And the snapshot is gone' }],
  run: async (command) => {
    const { options, operands } = command;
    const service = await command.service();
    if (!options.has('no-wait')) return mergeToEnd(command, service, operands[0]!);
    const info = await service.mergeSnapshot(operands[0]!);
    command.show(info, () => '');
    return undefined;
  },
};

export const snapshotRemove: Verb = {
  name: 'snapshot remove',
  operands: 'NAME',
  count: [1, 1],
  summary: 'End a snapshot; its device stays as it is now',
  about: 'A store that was made without a name is deleted; any other one stays.',
  options: [],
  examples: [{ command: 'interposer snapshot remove before', about: 'It is not needed any more' }],
  run: async (command) => {
    const service = await command.service();
    const info = await service.removeSnapshot(command.operands[0]!);
    command.show(info, () => '');
    return undefined;
  },
};

function createRequests({ operands, options }: Command): SnapshotOptions[] {
  const stores = forEach(operands, options, 'store', 'auto');
  const names = forEach(operands, options, 'name');
  const chunk = countOption(options, 'chunk');
  const size = sizeOption(options, 'size');
  const altitude = options.get('altitude');
  return operands.map((device, at) => ({
    device,
    persistent: !options.has('transient'),
    ...withoutUndefined({ store: stores[at], name: names[at], chunk, size, altitude }),
  }));
}

/** Values of an option that is given once for each operand, or not at all; or once with a value that is good for all. */
function forEach(
  operands: readonly string[],
  options: Options,
  name: string,
  shared?: string,
): readonly string[] {
  const values = options.all(name);
  const isShared = values.length === 1 && values[0] === shared;
  if (values.length === 0 || isShared || values.length === operands.length) return isShared ? [] : values;
  throw fail(
    'EINVAL',
    `give --${name} once for each device: ${String(operands.length)} times, or not at all`,
  );
}

async function findSnapshot(service: Service, name: string): Promise<SnapshotInfo> {
  const infos = await service.snapshots();
  const found = infos.find((info) => [info.name, `/dev/mapper/${info.name}`].includes(name));
  if (found !== undefined) return found;
  throw fail('ENXIO', `there is no snapshot ${name}`);
}

/** Waits for the end of a merge, and shows how far it is; of one that was begun already it may be over by now. */
async function mergeToEnd(
  command: Command,
  service: Service,
  name: string,
  begun?: SnapshotInfo,
): Promise<undefined> {
  let isOver = false;
  const end = service.mergeSnapshot(name, { wait: true }).catch((error: unknown) => {
    if (begun === undefined || codeOf(error) !== 'ENXIO') throw error;
    return begun;
  });
  const note = (): void => {
    isOver = true;
  };
  end.then(note, note);
  await followActivity(command, name, async () => {
    const info = isOver ? undefined : (await service.snapshots()).find((one) => one.name === name);
    if (info?.merge === undefined) return undefined;
    // The reason of a failure is told by the daemon.
    const { done, total } = info.merge;
    return { activity: 'merge', done, total };
  });
  const { device, name: merged } = await end;
  if (command.options.has('json')) command.print(`${JSON.stringify({ device, merged })}\n`);
}

function listing(infos: readonly SnapshotInfo[]): string {
  return formatTable(
    ['NAME', 'DEVICE', 'STATE', 'USED', 'STORE'],
    infos.map(({ name, device, state, used, size, store }) => [
      name,
      device,
      state,
      size === 0 ? '-' : `${String(Math.ceil((100 * used) / size))} %`,
      store,
    ]),
    ['USED'],
  );
}
