import { fail } from '@interposer/core';
import type { AttachmentInfo, AttachRequest } from '../service.ts';
import type { Verb } from '../verb.ts';
import { formatTable } from './text-table.ts';

type Method = NonNullable<AttachRequest['method']>;

const METHODS: readonly Method[] = ['auto', 'nbd', 'loop', 'fuse'];

export const attach: Verb = {
  name: 'attach',
  operands: 'DEV [MOUNTPOINT]',
  count: [1, 2],
  summary: 'Make a device one of the operating system, and mount it',
  about:
    'Prints the device node, or the file that is the device. nbd is an NBD device of the kernel, made by nbd-client; loop is ' +
    'a loop device on a file of nbdfuse; both take root, and mount the file system on the device at the directory ' +
    'MOUNTPOINT. fuse is the file alone: MOUNTPOINT itself if that is a file, MOUNTPOINT/nbd if it is a directory. It ' +
    'lasts until detach or the end of the daemon.',
  options: ['method', 'read-only'],
  examples: [
    { command: 'interposer attach disk', about: 'A device node, or a file, for any program' },
    { command: 'interposer attach disk /mnt', about: 'The file system on it' },
    {
      command: 'interposer attach --method fuse --read-only disk disk.img',
      about: 'The device as that file',
    },
  ],
  run: async (command) => {
    const [device, mountPoint] = command.operands;
    const request: AttachRequest = {
      method: methodOption(command.options.get('method')),
      readOnly: command.options.has('read-only'),
      ...(mountPoint === undefined ? {} : { mountPoint }),
    };
    const service = await command.service();
    const attached = await service.attach(device!, request);
    command.show(attached, () => `${attached.node}\n`);
    return undefined;
  },
};

function methodOption(text = 'auto'): Method {
  const method = METHODS.find((name) => name === text);
  if (method !== undefined) return method;
  throw fail('EINVAL', `method "${text}" is none of ${METHODS.join(', ')}`);
}

export const attachLs: Verb = {
  name: 'attach ls',
  operands: '',
  count: [0, 0],
  summary: 'List what is attached to the operating system',
  about:
    'NODE is the device node or the file, PID the process of nbd-client or nbdfuse. A device that is lost says so.',
  options: [],
  examples: [{ command: 'interposer attach ls', about: 'All of it' }],
  run: async (command) => {
    const service = await command.service();
    const attachments = await service.attachments();
    command.show(attachments, () =>
      attachments.length === 0 ? 'Nothing is attached\n' : listing(attachments),
    );
    return undefined;
  },
};

function listing(attachments: readonly AttachmentInfo[]): string {
  return formatTable(
    ['DEVICE', 'METHOD', 'MODE', 'NODE', 'MOUNTPOINT', 'PID'],
    attachments.map(({ device, method, readOnly, lost, node, mountPoint = '-', pid }) => [
      device,
      method,
      lost ? 'lost' : readOnly ? 'ro' : 'rw',
      node,
      mountPoint,
      String(pid),
    ]),
    ['PID'],
  );
}

export const detach: Verb = {
  name: 'detach',
  operands: 'DEV|NODE|MOUNTPOINT',
  count: [1, 1],
  summary: 'Undo attach: unmount, and take the node or file away',
  about:
    'Refused with EBUSY, and with who it is, while somebody uses it; then nothing has changed. With --force what was ' +
    'written so far is synced, and the users get errors from then on. Where a device is attached several times, name the ' +
    'node or the mount point.',
  options: ['force'],
  examples: [
    { command: 'interposer detach /mnt', about: 'By mount point' },
    { command: 'interposer detach disk', about: 'By device' },
    { command: 'interposer detach --force /dev/nbd0', about: 'Though it is in use' },
  ],
  run: async (command) => {
    const service = await command.service();
    await service.detach(command.operands[0]!, { force: command.options.has('force') });
    return undefined;
  },
};
