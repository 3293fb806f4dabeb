import { basename } from 'node:path';
import { type DeviceInfo, type DeviceRef, fail } from '@interposer/core';
import { CommandFailure, ioctlFailure, type IoctlSubject } from './failure.ts';
import type { Service } from './service.ts';
import type { Command } from './verb.ts';

/** A mapped device that a command is about. */
export interface Subject {
  readonly name: string;
  /** How messages name it: as the user did. */
  readonly subject: IoctlSubject;
}

/**
 * The mapped devices that a command names: operands, or one by `--uuid`, or one by `--major` and `--minor`. Empty if it names
 * none. A device that is not there is the matter of whoever uses the name.
 */
export async function namedDevices(
  command: Command,
  operation: string,
  operands: readonly string[] = command.operands,
): Promise<Subject[]> {
  const { options } = command;
  const service = await command.service();
  const uuid = options.get('uuid');
  if (uuid !== undefined) {
    const found = (await infos(service)).find((device) => device.uuid === uuid);
    if (found === undefined) throw missing(operation, { uuid });
    return [{ name: found.name, subject: { name: found.name } }];
  }
  const number = numberOption(command);
  if (number !== undefined) {
    const found = (await service.list()).find((device) => isNumber(device, number));
    if (found === undefined) throw missing(operation, {});
    return [{ name: found.name, subject: { name: found.name } }];
  }
  const subjects: Subject[] = [];
  for (const word of operands) {
    const name = await mappedName(word, service);
    subjects.push({ name, subject: { name } });
  }
  return subjects;
}

/** As `namedDevices`, where at least one is needed. */
export async function someDevices(
  command: Command,
  operation: string,
  operands: readonly string[] = command.operands,
): Promise<Subject[]> {
  const subjects = await namedDevices(command, operation, operands);
  if (subjects.length === 0) throw new CommandFailure(['No device specified.']);
  return subjects;
}

/** All mapped devices with what is known of them, in order of name. */
export async function infos(service: Service): Promise<DeviceInfo[]> {
  const devices: DeviceInfo[] = [];
  for (const { name } of await service.list()) devices.push(await service.info(name));
  return devices;
}

/** The minor number from `--major` and `--minor`, which dmsetup wants together. */
export function numberOption({ options }: Command): string | undefined {
  const major = options.get('major');
  const minor = options.get('minor');
  if (major === undefined && minor === undefined) return undefined;
  if (major === undefined || minor === undefined) {
    throw new CommandFailure(
      ['Please specify both major number and minor number.', "Couldn't process command line."],
      {
        closing: false,
      },
    );
  }
  return `${major}:${minor}`;
}

/** Operations where dmsetup has a text of its own for a device that is not there. */
const SOFT = ['info', 'status'];

/** The failure of an operation on a device. */
export function operationFailure(operation: string, subject: IoctlSubject, error: unknown): CommandFailure {
  const isMissing = (error as { code?: string }).code === 'ENXIO';
  if (isMissing && SOFT.includes(operation))
    return new CommandFailure(['Device does not exist.'], { cause: error });
  return ioctlFailure(operation, subject, error);
}

function missing(operation: string, subject: IoctlSubject): CommandFailure {
  const { name, uuid } = subject;
  return operationFailure(
    operation,
    subject,
    fail('ENXIO', `no mapped device ${name ?? uuid ?? 'of that number'}`),
  );
}

/** A name, `/dev/mapper/NAME`, `/dev/dm-MINOR` or `MAJOR:MINOR` as the name. A plain name is not looked up. */
export async function mappedName(word: string, service: Service): Promise<string> {
  if (!word.includes('/') && !/^\d+:\d+$/.test(word)) return word;
  const node = /^\/dev\/mapper\/([^/]+)$/.exec(word)?.[1];
  const minor = /^\/dev\/dm-(\d+)$/.exec(word)?.[1];
  const found = (await service.list()).find(
    (device) => device.name === node || String(device.minor) === minor || isNumber(device, word),
  );
  if (found !== undefined) return found.name;
  // dmsetup names a node of its own in full, and any other device by its last part.
  const shown = node !== undefined || minor !== undefined ? word : basename(word);
  throw new CommandFailure([`Device ${shown} not found`]);
}

function isNumber({ major, minor }: DeviceRef, text: string): boolean {
  return text === `${String(major)}:${String(minor)}`;
}
