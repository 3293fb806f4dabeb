import {
  CommandFlag,
  NbdCommand,
  NbdError,
  type StatusExtent,
  TransmissionFlag,
} from '@interposer/nbd-protocol';
import { expect, type Rule } from '../rule.ts';
import type { Command } from '../request.ts';
import { allExtents, extentsOf, prefixOf, readyForStatus, wholeStatus } from './block-status.ts';
import { bears, beyond, KIB_64, lastUnit, prefix, unit, UNKNOWN_COMMAND_FLAG } from './helpers.ts';

const type = NbdCommand.BlockStatus;
const section = 'Request types';
const needs = { structured: true, allocation: true } as const;
function sum(extents: readonly StatusExtent[]): number {
  return extents.reduce((total, { length }) => total + length, 0);
}

/** BLOCK_STATUS. */
export const statusRules: readonly Rule[] = [
  {
    id: 'status.contexts',
    level: 'MUST',
    section,
    about: 'BLOCK_STATUS is answered with one chunk for each selected context, with its id.',
    needs,
    async run(kit) {
      const transmission = await readyForStatus(
        kit,
        kit.survey.contexts.filter((name) => !name.endsWith(':')),
      );
      const reply = await transmission.succeed({ type, length: unit(kit.survey) });
      const ids = extentsOf(reply).map(({ id }) => id);
      const wanted = transmission.agreed.contexts.map(({ id }) => id);
      expect(
        ids.length === wanted.length && wanted.every((id) => ids.includes(id)),
        `the ids are ${ids.join(', ')}, selected are ${wanted.join(', ')}`,
      );
    },
  },
  {
    id: 'status.structured',
    level: 'MUST',
    section,
    about: 'BLOCK_STATUS is answered with a structured reply.',
    needs,
    async run(kit) {
      expect(!(await wholeStatus(kit)).simple, 'it is answered with a simple reply');
    },
  },
  {
    id: 'status.extents',
    level: 'MUST',
    section: 'Structured reply types',
    about: 'There is at least one extent, and none is empty.',
    needs,
    async run(kit) {
      expect(allExtents(await wholeStatus(kit)).length > 0, 'there is none');
    },
  },
  {
    id: 'status.last',
    level: 'MUST',
    section: 'Structured reply types',
    about: 'Only the last extent goes beyond the request.',
    needs,
    async run(kit) {
      const transmission = await readyForStatus(kit);
      for (const length of [unit(kit.survey), prefix(kit.survey, KIB_64), prefixOf(kit)]) {
        const extents = allExtents(await transmission.succeed({ type, length }));
        const before = sum(extents.slice(0, -1));
        expect(before < length, `all but the last of ${String(length)} bytes have ${String(before)}`);
      }
    },
  },
  {
    id: 'status.inside',
    level: 'MUST',
    section,
    about: 'No extent goes beyond the end of the export.',
    needs,
    async run(kit) {
      const { size } = kit.survey;
      const transmission = await readyForStatus(kit);
      for (const offset of [0, lastUnit(kit.survey)]) {
        const length = sum(
          allExtents(await transmission.succeed({ type, offset, length: unit(kit.survey) })),
        );
        expect(offset + length <= size, `the extents from ${String(offset)} have ${String(length)} bytes`);
      }
    },
  },
  {
    id: 'status.minimum',
    level: 'MUST',
    section,
    about: 'Extents are multiples of the minimum block size.',
    needs,
    async run(kit) {
      const minimum = kit.survey.blockSizes?.minimum ?? 1;
      for (const { length } of allExtents(await wholeStatus(kit))) {
        expect(length % minimum === 0, `one has ${String(length)} bytes`);
      }
    },
  },
  {
    id: 'status.multiple',
    level: 'SHOULD',
    section,
    about: 'Extents of an aligned request are multiples of 512 bytes.',
    needs,
    async run(kit) {
      const extents = allExtents(await wholeStatus(kit));
      const end = sum(extents) === kit.survey.size ? extents.at(-1) : undefined;
      for (const extent of extents) {
        expect(extent.length % 512 === 0 || extent === end, `one has ${String(extent.length)} bytes`);
      }
    },
  },
  {
    id: 'status.different',
    level: 'SHOULD',
    section,
    about: 'Consecutive extents have different flags.',
    needs,
    async run(kit) {
      const extents = allExtents(await wholeStatus(kit));
      extents.slice(1).forEach(({ flags }, index) => {
        expect(flags !== extents[index]?.flags, `two in a row have flags ${String(flags)}`);
      });
    },
  },
  {
    id: 'status.one.count',
    level: 'MUST',
    section: 'Command flags',
    about: 'With REQ_ONE there is exactly one extent.',
    needs,
    async run(kit) {
      const extents = allExtents(await wholeStatus(kit, CommandFlag.ReqOne));
      expect(extents.length === 1, `there are ${String(extents.length)}`);
    },
  },
  {
    id: 'status.one.length',
    level: 'MUST',
    section: 'Structured reply types',
    about: 'With REQ_ONE the extent is not longer than the request.',
    needs,
    async run(kit) {
      const transmission = await readyForStatus(kit);
      const length = unit(kit.survey);
      const extents = allExtents(await transmission.succeed({ type, length, flags: CommandFlag.ReqOne }));
      expect(sum(extents) <= length, `it has ${String(sum(extents))} of ${String(length)} bytes`);
    },
  },
  {
    id: 'status.no-contexts',
    level: 'SHOULD',
    section: 'Metadata querying',
    about: 'BLOCK_STATUS fails with EINVAL where no context was selected.',
    async run(kit) {
      const mode = kit.survey.structured ? 'structured' : 'simple';
      await (await kit.ready({ mode })).fail({ type, length: unit(kit.survey) }, NbdError.Inval);
    },
  },
  {
    id: 'status.range',
    level: 'SHOULD',
    section,
    about: 'BLOCK_STATUS beyond the end of the export fails with EINVAL.',
    needs,
    async run(kit) {
      const transmission = await readyForStatus(kit);
      const length = unit(kit.survey);
      const commands: Command[] = [
        { type, offset: beyond(kit.survey), length },
        { type, offset: lastUnit(kit.survey), length: 2 * length },
        { type, offset: 2n ** 64n - 65536n, length: 2 * KIB_64 },
      ];
      for (const command of commands) await transmission.fail(command, NbdError.Inval);
    },
  },
  {
    id: 'status.flag.fua',
    level: 'MUST',
    section: 'Command flags',
    about: 'Where SEND_FUA is set BLOCK_STATUS with FUA succeeds.',
    needs: { ...needs, flags: TransmissionFlag.SendFua },
    async run(kit) {
      await wholeStatus(kit, CommandFlag.Fua);
    },
  },
  {
    id: 'status.flag.foreign',
    level: 'SHOULD',
    section: 'Error values',
    about: 'BLOCK_STATUS with a flag of other commands, or one that nobody knows, fails with EINVAL.',
    needs,
    async run(kit) {
      const transmission = await readyForStatus(kit);
      for (const flags of [CommandFlag.NoHole, CommandFlag.FastZero, UNKNOWN_COMMAND_FLAG]) {
        await transmission.fail({ type, length: unit(kit.survey), flags }, NbdError.Inval);
      }
    },
  },
  {
    id: 'status.length-0',
    level: 'SHOULD',
    section,
    about: 'BLOCK_STATUS of nothing does not end the connection.',
    needs,
    async run(kit) {
      await bears(await readyForStatus(kit), { type, length: 0 }, kit.survey);
    },
  },
];
