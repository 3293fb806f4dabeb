import { strerror } from '../failure.ts';
import type { DdRequest } from './operands.ts';
import type { Destination, Source } from './sides.ts';

/** What was copied. */
export interface Totals {
  fullIn: number;
  partIn: number;
  fullOut: number;
  partOut: number;
  bytes: number;
}

/** Copies block after block. An error ends it; what was read before is written. `complain` takes dd's line for it. */
export async function copy(
  request: DdRequest,
  source: Source,
  destination: Destination,
  complain: (text: string) => void,
): Promise<{ readonly totals: Totals; readonly failed: boolean }> {
  const totals: Totals = { fullIn: 0, partIn: 0, fullOut: 0, partOut: 0, bytes: 0 };
  const { blockSize, count = Infinity } = request;
  let failed = false;
  const attempt = async <T>(doing: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      complain(`${doing}: ${systemText(error)}`);
      failed = true;
      return undefined;
    }
  };
  for (let block = 0; block < count; block++) {
    const data = await attempt(`error reading '${source.name}'`, () => source.read(blockSize));
    if (data === undefined || data.length === 0) break;
    if (data.length === blockSize) totals.fullIn++;
    else totals.partIn++;
    const written = await attempt(`error writing '${destination.name}'`, () => destination.write(data));
    if (written === undefined) break;
    totals.bytes += written;
    if (written === blockSize) totals.fullOut++;
    else if (written > 0) totals.partOut++;
    if (written === data.length) continue;
    complain(`error writing '${destination.name}': No space left on device`);
    failed = true;
    break;
  }
  if (request.fsync && !failed)
    await attempt(`fsync failed for '${destination.name}'`, () => destination.sync());
  return { totals, failed };
}

/** What the C library says. */
export function systemText(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'No such file or directory',
    EACCES: 'Permission denied',
    EISDIR: 'Is a directory',
    ENOTDIR: 'Not a directory',
    ENOSPC: 'No space left on device',
    EIO: 'Input/output error',
  };
  return known[code ?? ''] ?? strerror(error);
}
