import {
  ALLOCATION_CONTEXT,
  AllocationFlag,
  CommandFlag,
  NbdCommand,
  NbdError,
  TransmissionFlag,
} from '@interposer/nbd-protocol';
import type { Kit } from '../kit.ts';
import { expect, notApplicableIf, type Rule } from '../rule.ts';
import type { Transmission } from '../transmission.ts';
import {
  bears,
  beyond,
  expectBytes,
  KIB_4,
  KIB_64,
  lastUnit,
  pattern,
  unit,
  UNKNOWN_COMMAND_FLAG,
  WRITABLE,
} from './helpers.ts';
import { extentsOf } from './block-status.ts';

const { SendWriteZeroes, SendFastZero, SendFua, ReadOnly } = TransmissionFlag;
const type = NbdCommand.WriteZeroes;
const writes = true;
const needs = { ...WRITABLE, flags: SendWriteZeroes } as const;
const needsFast = { ...WRITABLE, flags: SendWriteZeroes | SendFastZero } as const;
const HALF = KIB_64 / 2;

/** A connection after a write of 64 KiB that are not zero. */
export async function filled(kit: Kit, mode?: 'structured'): Promise<Transmission> {
  const contexts = mode === undefined ? {} : { mode, contexts: [ALLOCATION_CONTEXT] };
  const transmission = await kit.ready(contexts);
  await transmission.succeed({ type: NbdCommand.Write, data: pattern(KIB_64, 1) });
  return transmission;
}

/** `Violation` unless 4 KiB at 32 KiB are zero and all around them is as it was filled. */
async function zeroedInside(transmission: Transmission): Promise<void> {
  const wanted = pattern(KIB_64, 1).fill(0, HALF, HALF + KIB_4);
  expectBytes(await transmission.read(0, KIB_64), wanted, 'after the zeroes');
}

/** WRITE_ZEROES. */
export const zeroesRules: readonly Rule[] = [
  {
    id: 'zeroes.reads-zero',
    level: 'MUST',
    section: 'Request types',
    about: 'What was zeroed reads as zeroes, and nothing beside it changes.',
    needs,
    writes,
    async run(kit) {
      const transmission = await filled(kit);
      await transmission.succeed({ type, offset: HALF, length: KIB_4 });
      await zeroedInside(transmission);
    },
  },
  {
    id: 'zeroes.no-hole',
    level: 'MUST',
    section: 'Command flags',
    about: 'NO_HOLE is supported: what was zeroed with it reads as zeroes.',
    needs,
    writes,
    async run(kit) {
      const transmission = await filled(kit);
      await transmission.succeed({ type, offset: HALF, length: KIB_4, flags: CommandFlag.NoHole });
      await zeroedInside(transmission);
    },
  },
  {
    id: 'zeroes.no-hole.provisioned',
    level: 'MUST',
    section: 'Request types',
    about: 'What was zeroed with NO_HOLE is no hole.',
    needs: { ...needs, structured: true, allocation: true },
    writes,
    async run(kit) {
      const transmission = await filled(kit, 'structured');
      await transmission.succeed({ type, length: KIB_64, flags: CommandFlag.NoHole });
      const status = { type: NbdCommand.BlockStatus, length: KIB_64, flags: CommandFlag.ReqOne };
      const flags = extentsOf(await transmission.succeed(status))[0]?.extents[0]?.flags ?? 0;
      expect((flags & AllocationFlag.Hole) === 0, 'it is said to be a hole');
    },
  },
  {
    id: 'zeroes.unaligned',
    level: 'MUST',
    section: 'Request types',
    about: 'Where the minimum block is one byte, exactly the bytes that are named become zero.',
    needs,
    writes,
    async run(kit) {
      notApplicableIf(kit.survey.blockSizes?.minimum !== 1, 'the minimum block is not known to be 1');
      const transmission = await filled(kit);
      const wanted = pattern(KIB_64, 1);
      for (const [offset, length] of [
        [1, 3],
        [511, 2],
        [4097, 12_345],
      ] as const) {
        await transmission.succeed({ type, offset, length });
        wanted.fill(0, offset, offset + length);
      }
      expectBytes(await transmission.read(0, KIB_64), wanted, 'after unaligned zeroes');
    },
  },
  {
    id: 'zeroes.flag.fua',
    level: 'MUST',
    section: 'Command flags',
    about: 'Where SEND_FUA is set zeroes with FUA succeed.',
    needs: { ...WRITABLE, flags: SendWriteZeroes | SendFua },
    writes,
    async run(kit) {
      await (await kit.ready()).succeed({ type, length: KIB_4, flags: CommandFlag.Fua });
    },
  },
  {
    id: 'zeroes.flag.foreign',
    level: 'SHOULD',
    section: 'Error values',
    about:
      'Zeroes with a flag of other commands, or one that nobody knows, fail with EINVAL and change nothing.',
    needs,
    writes,
    async run(kit) {
      const transmission = await filled(kit);
      for (const flags of [CommandFlag.Df, CommandFlag.ReqOne, UNKNOWN_COMMAND_FLAG]) {
        await transmission.fail({ type, length: KIB_4, flags }, NbdError.Inval);
      }
      expectBytes(await transmission.read(0, KIB_64), pattern(KIB_64, 1), 'after them');
    },
  },
  {
    id: 'zeroes.range',
    level: 'SHOULD',
    section: 'Request types',
    about: 'Zeroes beyond the end of the export fail with ENOSPC.',
    needs,
    writes,
    async run(kit) {
      const transmission = await kit.ready();
      const length = unit(kit.survey);
      await transmission.fail({ type, offset: beyond(kit.survey), length }, NbdError.NoSpc);
    },
  },
  {
    id: 'zeroes.range.across',
    level: 'SHOULD',
    section: 'Request types',
    about: 'Zeroes across the end of the export fail with ENOSPC.',
    needs,
    writes,
    async run(kit) {
      notApplicableIf(kit.scratch < kit.survey.size, 'it may not write at the end');
      const [offset, length] = [lastUnit(kit.survey), 2 * unit(kit.survey)];
      await (await kit.ready()).fail({ type, offset, length }, NbdError.NoSpc);
    },
  },
  {
    id: 'zeroes.large',
    level: 'SHOULD',
    section: 'Block size constraints',
    about: 'Zeroes of much more than the largest payload do not end the connection.',
    needs,
    writes,
    async run(kit) {
      notApplicableIf(kit.scratch < kit.survey.size, 'it may not write everything');
      await bears(await kit.ready(), { type, length: 2 ** 32 - KIB_64 }, kit.survey);
    },
  },
  {
    id: 'zeroes.length-0',
    level: 'SHOULD',
    section: 'Request types',
    about: 'Zeroes of no length do not end the connection.',
    needs,
    writes,
    async run(kit) {
      await bears(await kit.ready(), { type, length: 0 }, kit.survey);
    },
  },
  {
    id: 'zeroes.slow',
    level: 'MUST',
    section: 'Request types',
    about: 'Without FAST_ZERO zeroes never fail with ENOTSUP.',
    needs,
    writes,
    async run(kit) {
      const { error } = await (await kit.ready()).command({ type, length: KIB_64 });
      expect(error !== NbdError.NotSup, 'they do');
    },
  },
  {
    id: 'zeroes.fast',
    level: 'MUST',
    section: 'Request types',
    about: 'Zeroes with FAST_ZERO succeed, and read as zeroes, or fail with ENOTSUP.',
    needs: needsFast,
    writes,
    async run(kit) {
      const transmission = await filled(kit);
      const zeroes = { type, offset: HALF, length: KIB_4, flags: CommandFlag.FastZero };
      if ((await transmission.fail(zeroes, 0, NbdError.NotSup)).error === 0) await zeroedInside(transmission);
    },
  },
  {
    id: 'zeroes.fast.refused',
    level: 'SHOULD',
    section: 'Request types',
    about: 'Zeroes that fail with ENOTSUP change nothing.',
    needs: needsFast,
    writes,
    async run(kit) {
      const transmission = await filled(kit);
      const flags = CommandFlag.FastZero | CommandFlag.NoHole;
      const { error } = await transmission.command({ type, length: KIB_64, flags });
      notApplicableIf(error !== NbdError.NotSup, 'they do not fail');
      expectBytes(await transmission.read(0, KIB_64), pattern(KIB_64, 1), 'after them');
    },
  },
  {
    id: 'zeroes.fast.unadvertised',
    level: 'SHOULD',
    section: 'Request types',
    about: 'Zeroes with FAST_ZERO fail with EINVAL where SEND_FAST_ZERO is not set.',
    needs: { flags: SendWriteZeroes, without: ReadOnly | SendFastZero, bytes: KIB_64 },
    writes,
    async run(kit) {
      await (await kit.ready()).fail({ type, length: KIB_4, flags: CommandFlag.FastZero }, NbdError.Inval);
    },
  },
];
