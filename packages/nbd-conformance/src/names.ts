import {
  ChunkType,
  CommandFlag,
  NbdCommand,
  NbdError,
  NbdOption,
  OptionReply,
  TransmissionFlag,
} from '@interposer/nbd-protocol';

/** The name of a number in a table of constants, in the spelling of the protocol, and the number. */
function nameIn(table: Readonly<Record<string, number>>, value: number): string {
  const name = Object.entries(table).find(([, number]) => number === value)?.[0];
  const number = value > 0xffff ? `0x${value.toString(16)}` : String(value);
  return name === undefined ? number : `${upper(name)} (${number})`;
}

function upper(name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}

function flagNames(table: Readonly<Record<string, number>>, flags: number): string {
  if (flags === 0) return 'no flags';
  const names = Object.entries(table).filter(([, bit]) => (flags & bit) !== 0);
  const known = names.reduce((sum, [, bit]) => sum | bit, 0);
  const rest = flags & ~known;
  return [...names.map(([name]) => upper(name)), ...(rest === 0 ? [] : [`0x${rest.toString(16)}`])].join('+');
}

/** Names of options, replies and so on, for people. */
export const optionName = (option: number): string => nameIn(NbdOption, option);
export const replyName = (type: number): string => nameIn(OptionReply, type);
export const commandName = (type: number): string => nameIn(NbdCommand, type);
export const chunkName = (type: number): string => nameIn(ChunkType, type);
export const transmissionFlagNames = (flags: number): string => flagNames(TransmissionFlag, flags);
export const commandFlagNames = (flags: number): string => flagNames(CommandFlag, flags);

/** `EINVAL (22)`; `success` for 0. */
export function errorName(error: number): string {
  return error === NbdError.None ? 'success' : nameIn(ERRNO, error);
}

const ERRNO: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(NbdError).map(([name, error]) => [`E${name.toUpperCase()}`, error]),
);

/** The first bytes in hexadecimal, and how many there are. */
export function hex(bytes: Buffer): string {
  const start = bytes.subarray(0, 24).toString('hex');
  return bytes.length > 24 ? `${start}... (${String(bytes.length)} bytes)` : start;
}
