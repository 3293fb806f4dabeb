import { BioFlag, SECTOR_SIZE } from '@interposer/core';
import { CommandFlag, NbdCommand } from '@interposer/nbd-protocol';
import type { Export } from './export.ts';
import type { Request } from './request.ts';
import { narrow, readBlocks, widen, type WidenedRange, writeWidened, zeroUnaligned } from './unaligned.ts';

/**
 * Performs a request that is not made of whole blocks, or that overlaps one which is on its way. Its payload has room for
 * the whole blocks around the range. Rejects as the port does.
 */
export async function performCarefully(request: Request, exported: Export): Promise<void> {
  const { command, offset, length } = request;
  const { port, lock, block } = exported;
  const range = widen(offset, length, block);
  if (command === NbdCommand.Read) {
    request.payloadStart = range.head;
    return readBlocks(port, range, request.payload!);
  }
  const locked = await lock.acquire(range.start / SECTOR_SIZE, range.bytes / SECTOR_SIZE);
  const isRight = exported.block === block;
  try {
    if (isRight) await change(request, exported);
  } finally {
    lock.release(locked);
  }
  // Otherwise the blocks of the device changed meanwhile, and with them what must be locked.
  if (!isRight) await performCarefully(request, exported);
}

async function change(request: Request, exported: Export): Promise<void> {
  const { command, flags, offset, length } = request;
  const { port, block } = exported;
  const fua = (flags & CommandFlag.Fua) !== 0;
  if (command === NbdCommand.Write) {
    const range = widen(offset, length, block);
    const data = dataFor(range, request);
    return writeWidened(port, range, length, block, data, fua ? BioFlag.Fua : 0);
  }
  if (command === NbdCommand.Trim) {
    const inside = narrow(offset, length, block);
    if (inside.bytes > 0) await port.discard(inside.start / SECTOR_SIZE, inside.bytes / SECTOR_SIZE);
  } else {
    const noUnmap = (flags & CommandFlag.NoHole) === 0 ? 0 : BioFlag.NoUnmap;
    await zeroUnaligned(port, offset, length, block, noUnmap);
  }
  if (fua) await port.flush();
}

/** The payload, with the data where the range has them. They are elsewhere if the device's block changed while they came in. */
function dataFor({ bytes, head }: WidenedRange, { payload, payloadStart, length }: Request): Buffer {
  if (payloadStart === head && payload!.length >= bytes) return payload!;
  const moved = Buffer.alloc(bytes);
  payload!.copy(moved, head, payloadStart, payloadStart + length);
  return moved;
}
