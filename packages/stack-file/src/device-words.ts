import { type DeviceRef, isInterposerError } from '@interposer/core';
import type { StackControl } from './stack-control.ts';

const NODE_PREFIX = '/dev/mapper/';
const ABSENT: readonly string[] = ['ENXIO', 'ENOENT', 'ENODEV'];

/** A mapped device may be called by its name or by `/dev/mapper/NAME`: its name; any other word as it is. */
export function mappedName(word: string): string {
  return word.startsWith(NODE_PREFIX) ? word.slice(NODE_PREFIX.length) : word;
}

/** What a control answers about a device; undefined if there is no such device. */
export async function ifThere<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isInterposerError(error) && ABSENT.includes(error.code)) return undefined;
    throw error;
  }
}

/** The open device that a word means to the control, whatever the word is: a name, a path, a URI. Opens nothing. */
export async function findDevice(control: StackControl, word: string): Promise<DeviceRef | undefined> {
  try {
    // Any other verb that takes such words would open the device.
    return (await control.explain(word)).device;
  } catch (error) {
    // A word that no driver takes, or that a driver finds wrong, is no device.
    if (isInterposerError(error)) return undefined;
    throw error;
  }
}

/** Whether two words mean one device: the same words, or the same open device. */
export async function sameDevice(control: StackControl, one: string, other: string): Promise<boolean> {
  if (mappedName(one) === mappedName(other)) return true;
  const [first, second] = [await findDevice(control, one), await findDevice(control, other)];
  return first !== undefined && first.name === second?.name;
}
