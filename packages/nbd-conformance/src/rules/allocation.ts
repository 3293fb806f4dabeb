import {
  ALLOCATION_CONTEXT,
  AllocationFlag,
  ChunkType,
  CommandFlag,
  decodeBlockStatus,
  NbdCommand,
  type StatusExtent,
} from '@interposer/nbd-protocol';
import type { Kit } from '../kit.ts';
import { hex } from '../names.ts';
import { expect, notApplicableIf, type Rule } from '../rule.ts';
import type { Transmission } from '../transmission.ts';
import type { Reply } from '../reply.ts';
import { KIB_64, prefix, unit, WRITABLE } from './helpers.ts';

const type = NbdCommand.BlockStatus;
const needs = { structured: true, allocation: true } as const;
const MOST = 2 ** 30;

function ready(kit: Kit, contexts: readonly string[] = [ALLOCATION_CONTEXT]): Promise<Transmission> {
  return kit.ready({ mode: 'structured', contexts });
}

/** The extents of each context in an answer. */
export function extentsOf({ chunks }: Reply): { id: number; extents: StatusExtent[] }[] {
  const status = chunks.filter((chunk) => chunk.type === ChunkType.BlockStatus || chunk.type === 6);
  return status.map((chunk) => {
    const decoded = decodeBlockStatus(chunk.type, chunk.payload);
    expect(decoded !== null, `a chunk is malformed or has an empty extent: ${hex(chunk.payload)}`);
    return decoded;
  });
}

/** The answer about the whole export, or the start of a large one. */
async function whole(kit: Kit, flags = 0): Promise<Reply> {
  return (await ready(kit)).succeed({ type, length: prefixOf(kit), flags });
}

function prefixOf({ survey }: Kit): number {
  const block = unit(survey);
  return Math.floor(Math.min(survey.size, MOST) / block) * block;
}

function all(reply: Reply): StatusExtent[] {
  return extentsOf(reply).flatMap(({ extents }) => extents);
}

/** Whether what base:allocation says is so. */
export const allocationRules: readonly Rule[] = [
  {
    id: 'status.allocation.flags',
    level: 'SHOULD',
    section: 'The `base:` metadata namespace',
    about: 'Of the flags of base:allocation only the two that are defined are set.',
    needs,
    async run(kit) {
      for (const { flags } of all(await whole(kit))) {
        expect(flags <= 3, `the flags of an extent are 0x${flags.toString(16)}`);
      }
    },
  },
  {
    id: 'status.allocation.zero',
    level: 'MUST',
    section: 'The `base:` metadata namespace',
    about: 'Extents that are said to be zero read as zeroes.',
    needs,
    async run(kit) {
      const transmission = await ready(kit);
      const extents = all(await transmission.succeed({ type, length: prefixOf(kit) }));
      notApplicableIf(!extents.some(({ flags }) => (flags & AllocationFlag.Zero) !== 0), 'there are none');
      let offset = 0;
      for (const { length, flags } of extents.slice(0, 64)) {
        const data = await transmission.read(offset, Math.min(length, prefix(kit.survey, 4 * KIB_64)));
        if ((flags & AllocationFlag.Zero) !== 0) expect(!data.some((byte) => byte !== 0), 'they do not');
        offset += length;
      }
    },
  },
  {
    id: 'status.allocation.data',
    level: 'MUST',
    section: 'The `base:` metadata namespace',
    about: 'What was just written is neither a hole nor zero.',
    needs: { ...WRITABLE, ...needs },
    writes: true,
    async run(kit) {
      const transmission = await ready(kit);
      await transmission.succeed({ type: NbdCommand.Write, data: Buffer.alloc(KIB_64, 0x5a) });
      const [extent] = all(await transmission.succeed({ type, length: KIB_64, flags: CommandFlag.ReqOne }));
      expect(extent?.flags === 0, `its flags are ${String(extent?.flags)}`);
    },
  },
];
