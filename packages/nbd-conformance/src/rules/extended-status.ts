import {
  ALLOCATION_CONTEXT,
  ChunkType,
  NbdCommand,
  NbdError,
  TransmissionFlag,
} from '@interposer/nbd-protocol';
import type { Kit } from '../kit.ts';
import { hex } from '../names.ts';
import { expect, notApplicableIf, type Rule } from '../rule.ts';
import type { Transmission } from '../transmission.ts';
import { bears, stillServes, unit } from './helpers.ts';
import { extentsOf } from './block-status.ts';

const section = 'Extended headers';
const TWO_33 = 2n ** 33n;

function ready(kit: Kit, contexts: readonly string[]): Promise<Transmission> {
  return kit.ready({ mode: 'extended', contexts });
}

const statusNeeds = { extended: true, allocation: true } as const;
const payloadNeeds = { ...statusNeeds, flags: TransmissionFlag.BlockStatusPayload } as const;

/** Payload of BLOCK_STATUS: the length, and the ids of contexts. */
function statusPayload(length: number, ids: readonly number[]): Buffer {
  const payload = Buffer.alloc(8 + 4 * ids.length);
  payload.writeBigUInt64BE(BigInt(length), 0);
  ids.forEach((id, index) => payload.writeUInt32BE(id, 8 + 4 * index));
  return payload;
}

/** BLOCK_STATUS with extended headers. */
export const extendedStatusRules: readonly Rule[] = [
  {
    id: 'extended.contexts',
    level: 'MUST',
    section,
    about: 'Contexts can be selected after EXTENDED_HEADERS alone.',
    needs: statusNeeds,
    async run(kit) {
      const { contexts } = (await ready(kit, [ALLOCATION_CONTEXT])).agreed;
      expect(contexts.length === 1, `${String(contexts.length)} are selected`);
    },
  },
  {
    id: 'extended.status',
    level: 'MUST',
    section,
    about:
      'BLOCK_STATUS is answered with a chunk of type BLOCK_STATUS_EXT, whose count is that of its extents.',
    needs: statusNeeds,
    async run(kit) {
      const transmission = await ready(kit, [ALLOCATION_CONTEXT]);
      const reply = await transmission.succeed({ type: NbdCommand.BlockStatus, length: kit.survey.size });
      const chunk = reply.chunks[0];
      expect(
        chunk?.type === ChunkType.BlockStatusExtended,
        `the type of the chunk is ${String(chunk?.type)}`,
      );
      const count = (chunk.payload.length - 8) / 16;
      expect(chunk.payload.readUInt32BE(4) === count, `the chunk is ${hex(chunk.payload)}`);
      extentsOf(reply);
    },
  },
  {
    id: 'extended.status.long',
    level: 'SHOULD',
    section,
    about: 'BLOCK_STATUS of more than 4 GiB on a smaller export fails with EINVAL; the connection stays.',
    needs: statusNeeds,
    async run(kit) {
      notApplicableIf(BigInt(kit.survey.size) >= TWO_33, 'the export is larger');
      const transmission = await ready(kit, [ALLOCATION_CONTEXT]);
      await transmission.fail({ type: NbdCommand.BlockStatus, length: TWO_33 }, NbdError.Inval);
      await stillServes(transmission, kit.survey);
    },
  },
  {
    id: 'extended.status.payload.unadvertised',
    level: 'MUST',
    section,
    about:
      'BLOCK_STATUS with a payload fails with EINVAL where BLOCK_STATUS_PAYLOAD is not set, and is skipped.',
    needs: { ...statusNeeds, without: TransmissionFlag.BlockStatusPayload },
    async run(kit) {
      const transmission = await ready(kit, [ALLOCATION_CONTEXT]);
      const data = statusPayload(unit(kit.survey), [transmission.agreed.contexts[0]?.id ?? 0]);
      await transmission.fail({ type: NbdCommand.BlockStatus, data }, NbdError.Inval);
      await stillServes(transmission, kit.survey);
    },
  },
  {
    id: 'extended.status.payload',
    level: 'MUST',
    section,
    about: 'BLOCK_STATUS with ids in its payload is answered for those contexts alone.',
    needs: payloadNeeds,
    async run(kit) {
      const names = kit.survey.contexts.filter((name) => !name.endsWith(':'));
      const transmission = await ready(kit, names);
      for (const { id } of transmission.agreed.contexts) {
        const data = statusPayload(unit(kit.survey), [id]);
        const reply = await transmission.succeed({ type: NbdCommand.BlockStatus, data });
        const ids = extentsOf(reply).map((status) => status.id);
        expect(ids.length === 1 && ids[0] === id, `asked for ${String(id)}, answered are ${ids.join(', ')}`);
      }
    },
  },
  {
    id: 'extended.status.payload.wrong',
    level: 'MUST',
    section,
    about: 'BLOCK_STATUS with ids that are unknown, or twice there, fails with EINVAL.',
    needs: payloadNeeds,
    async run(kit) {
      const transmission = await ready(kit, [ALLOCATION_CONTEXT]);
      const id = transmission.agreed.contexts[0]?.id ?? 0;
      for (const ids of [[id ^ 0x5a5a5a5a], [id, id]]) {
        const data = statusPayload(
          unit(kit.survey),
          ids.map((number) => number >>> 0),
        );
        await transmission.fail({ type: NbdCommand.BlockStatus, data }, NbdError.Inval);
      }
      await stillServes(transmission, kit.survey);
    },
  },
  {
    id: 'extended.status.payload.malformed',
    level: 'MUST',
    section,
    about: 'BLOCK_STATUS with a payload of a length that cannot be fails with EINVAL; the connection stays.',
    needs: payloadNeeds,
    async run(kit) {
      const transmission = await ready(kit, [ALLOCATION_CONTEXT]);
      const data = statusPayload(unit(kit.survey), []).subarray(0, 7);
      await bears(transmission, { type: NbdCommand.BlockStatus, data }, kit.survey);
      await transmission.fail({ type: NbdCommand.BlockStatus, data }, NbdError.Inval);
    },
  },
];
