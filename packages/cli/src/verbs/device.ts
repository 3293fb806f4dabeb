import type { DeviceSummary } from '@interposer/core';
import type { Verb } from '../verb.ts';
import { formatTable } from './text-table.ts';

export const deviceLs: Verb = {
  name: 'device ls',
  operands: '',
  count: [0, 0],
  summary: 'List every device that is in use, mapped or not',
  about:
    'Mapped devices always; images, memory and NBD devices while somebody uses them. DRIVER is what answers at the bottom, table for a mapped device. SECTORS has its size. OPEN counts who has it open, its ' +
    'own filters aside.',
  options: [],
  examples: [{ command: 'interposer device ls', about: 'All of them' }],
  run: async (command) => {
    const service = await command.service();
    const devices = await service.listDevices();
    command.show(devices, () => (devices.length === 0 ? 'No devices found\n' : listing(devices)));
    return undefined;
  },
};

function listing(devices: readonly DeviceSummary[]): string {
  return formatTable(
    ['NAME', 'NUMBER', 'DRIVER', 'SECTORS', 'MODE', 'OPEN', 'FILTERS'],
    devices.map(({ name, major, minor, driver, sectors, readOnly, openCount, filters }) => [
      name,
      `${String(major)}:${String(minor)}`,
      driver,
      String(sectors),
      readOnly ? 'ro' : 'rw',
      String(openCount),
      String(filters),
    ]),
    ['SECTORS', 'OPEN', 'FILTERS'],
  );
}

export const deviceYank: Verb = {
  name: 'device yank',
  operands: 'DEV',
  count: [1, 1],
  summary: 'Take a device away by surprise, as if its cable were pulled',
  about:
    'What waits in it and what comes fails with ENODEV. NBD clients stay connected and get EIO, for NBD has no ENODEV; the ' +
    'exports stay until export rm. Its filters go, lowest first, without being asked. Nothing is flushed.',
  options: [],
  examples: [{ command: 'interposer device yank disk', about: 'See what a program makes of it' }],
  run: async (command) => {
    const service = await command.service();
    await service.yank(command.operands[0]!);
    return undefined;
  },
};
