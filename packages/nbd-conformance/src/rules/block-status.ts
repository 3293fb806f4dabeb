import {
  ALLOCATION_CONTEXT,
  ChunkType,
  decodeBlockStatus,
  NbdCommand,
  type StatusExtent,
} from '@interposer/nbd-protocol';
import type { Kit } from '../kit.ts';
import { hex } from '../names.ts';
import type { Reply } from '../reply.ts';
import { expect } from '../rule.ts';
import type { Transmission } from '../transmission.ts';
import { unit } from './helpers.ts';

/*
 * What the rules about block status have in common.
 */

/** The most bytes that are asked about. */
const MOST = 2 ** 30;

/** A connection that may ask for the status of blocks. */
export function readyForStatus(
  kit: Kit,
  contexts: readonly string[] = [ALLOCATION_CONTEXT],
): Promise<Transmission> {
  return kit.ready({ mode: 'structured', contexts });
}

/** The extents of each context in an answer. */
export function extentsOf({ chunks }: Reply): { id: number; extents: StatusExtent[] }[] {
  const status = chunks.filter(
    (chunk) => chunk.type === ChunkType.BlockStatus || chunk.type === ChunkType.BlockStatusExtended,
  );
  return status.map((chunk) => {
    const decoded = decodeBlockStatus(chunk.type, chunk.payload);
    expect(decoded !== null, `a chunk is malformed or has an empty extent: ${hex(chunk.payload)}`);
    return decoded;
  });
}

/** The answer about the whole export, or the start of a large one. */
export async function wholeStatus(kit: Kit, flags = 0): Promise<Reply> {
  return (await readyForStatus(kit)).succeed({ type: NbdCommand.BlockStatus, length: prefixOf(kit), flags });
}

/** Bytes of the whole export, or of the start of a large one; whole blocks. */
export function prefixOf({ survey }: Kit): number {
  const block = unit(survey);
  return Math.floor(Math.min(survey.size, MOST) / block) * block;
}

/** The extents of an answer, of all contexts one after the other. */
export function allExtents(reply: Reply): StatusExtent[] {
  return extentsOf(reply).flatMap(({ extents }) => extents);
}
