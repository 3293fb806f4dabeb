import { type DeviceSummary, parseSize } from '@interposer/core';
import { findDevice } from './device-words.ts';
import type { StackControl } from './stack-control.ts';

const CLAIMS: readonly string[] = ['excl', 'noexcl'];
const OPTION = /^([A-Za-z_][\w-]*)=(.*)$/s;
const HIDDEN = /^0{16,}$/;
const HEX_KEY = /^[\da-f]{32,}$/i;
const DEVICE_NUMBER = /^\d+:\d+$/;

/**
 * Whether arguments as a user writes them and as a target or filter shows them mean the same. They are compared word by
 * word: a number may be written with leading zeros or K, M, G, T; claims, which are never shown, are left out; where a device
 * number is shown, the word must mean that device; where zeros hide a key, a word of that length may be it; the digits of a key in hexadecimal may be of either case. Words `key=value`
 * may stand in any order, and those the user did not write may have any value: the type chose it. Nothing is opened.
 */
export async function sameWords(
  control: StackControl,
  wanted: readonly string[],
  running: readonly string[],
): Promise<boolean> {
  const [left, right] = [positional(wanted), positional(running)];
  if (left.length !== right.length) return false;
  for (const [index, word] of left.entries()) {
    if (!(await sameWord(control, word, right[index]!))) return false;
  }
  const values = optionsOf(running);
  for (const [key, value] of optionsOf(wanted)) {
    const shown = values.get(key);
    if (shown === undefined || !(await sameWord(control, value, shown))) return false;
  }
  return true;
}

function positional(words: readonly string[]): string[] {
  return words.filter((word) => !CLAIMS.includes(word) && !OPTION.test(word));
}

function optionsOf(words: readonly string[]): Map<string, string> {
  return new Map(
    words.flatMap((word) => {
      const [, key, value] = OPTION.exec(word) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value]];
    }),
  );
}

async function sameWord(control: StackControl, wanted: string, running: string): Promise<boolean> {
  if (wanted === running) return true;
  if (HIDDEN.test(running)) return running.length === wanted.length;
  if (HEX_KEY.test(running)) return wanted.toLowerCase() === running.toLowerCase();
  const [one, other] = [valueOf(wanted), valueOf(running)];
  if (one !== undefined && other !== undefined) return one === other;
  return meansDevice(control, wanted, running);
}

function valueOf(word: string): number | undefined {
  const value = parseSize(word);
  return Number.isNaN(value) ? undefined : value;
}

/** `shown` is a device's number or its name. */
async function meansDevice(control: StackControl, word: string, shown: string): Promise<boolean> {
  const device = await findDevice(control, word);
  if (device !== undefined) return numberOf(device) === shown || device.name === shown;
  if (!DEVICE_NUMBER.test(shown)) return false;
  // A device that is another one at each mention, such as memory, is called after the word, with a number behind it.
  const devices = await control.listDevices();
  return devices.some((one) => numberOf(one) === shown && isNamedAfter(one.name, word));
}

function isNamedAfter(name: string, word: string): boolean {
  return name.startsWith(`${word}#`) && /^\d+$/.test(name.slice(word.length + 1));
}

function numberOf({ major, minor }: Pick<DeviceSummary, 'major' | 'minor'>): string {
  return `${String(major)}:${String(minor)}`;
}
