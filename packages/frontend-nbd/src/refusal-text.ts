import { CommandFlag, NbdCommand, NbdError, TransmissionFlag } from '@interposer/nbd-protocol';
import type { Export } from './export.ts';
import type { Request } from './request.ts';

const NAMES: Readonly<Partial<Record<number, string>>> = {
  [NbdCommand.Read]: 'read',
  [NbdCommand.Write]: 'write',
  [NbdCommand.Flush]: 'flush',
  [NbdCommand.Trim]: 'trim',
  [NbdCommand.Cache]: 'cache',
  [NbdCommand.WriteZeroes]: 'write zeroes',
  [NbdCommand.BlockStatus]: 'block status',
};

/** Why a request was not performed, for a client that takes texts. */
export function refusalText(request: Request, exported: Export): string {
  const { command, offset, length, flags, error } = request;
  const { size, strict } = exported;
  const range = `${String(length)} bytes at ${String(offset)}`;
  if (NAMES[command] === undefined) return `command ${String(command)} is not known here`;
  if (error === NbdError.Shutdown) return 'the server is shutting down';
  if (error === NbdError.Perm && (exported.flags & TransmissionFlag.ReadOnly) !== 0) {
    return 'the export is read-only';
  }
  if (error === NbdError.NotSup) return 'zeroing is not faster than writing here';
  if (command !== NbdCommand.Flush && (length > size || offset > size - length)) {
    return `${range} go beyond the end, which is at ${String(size)}`;
  }
  if (strict !== null && (offset % strict.minimum !== 0 || length % strict.minimum !== 0)) {
    return `${range} are not made of blocks of ${String(strict.minimum)}`;
  }
  if (flags !== 0) return `${NAMES[command]} with flags ${describeFlags(flags)} is not offered`;
  return `${NAMES[command]} of ${range} is not offered, or too large`;
}

/** What the device said of a request that was performed. */
export function failureText({ command, offset, length }: Request, reason: string): string {
  const range = command === NbdCommand.Flush ? '' : ` of ${String(length)} bytes at ${String(offset)}`;
  return `${NAMES[command] ?? 'request'}${range} failed: ${reason}`;
}

function describeFlags(flags: number): string {
  const known = Object.entries(CommandFlag).filter(([, bit]) => (flags & bit) !== 0);
  const rest = known.reduce((left, [, bit]) => left & ~bit, flags);
  return [...known.map(([name]) => name), ...(rest === 0 ? [] : [`0x${rest.toString(16)}`])].join(', ');
}
