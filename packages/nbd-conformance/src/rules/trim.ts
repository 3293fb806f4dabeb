import { CommandFlag, NbdCommand, NbdError, TransmissionFlag } from '@interposer/nbd-protocol';
import { notApplicableIf, type Rule } from '../rule.ts';
import {
  bears,
  beyond,
  expectBytes,
  KIB_4,
  KIB_64,
  pattern,
  unit,
  UNKNOWN_COMMAND_FLAG,
  WRITABLE,
} from './helpers.ts';
import { filled } from './zeroes.ts';

const { SendTrim, SendFua } = TransmissionFlag;
const type = NbdCommand.Trim;
const writes = true;
const needs = { ...WRITABLE, flags: SendTrim } as const;
const HALF = KIB_64 / 2;

/** TRIM. */
export const trimRules: readonly Rule[] = [
  {
    id: 'trim.succeeds',
    level: 'MUST',
    section: 'Transmission flags',
    about: 'Where SEND_TRIM is set TRIM succeeds, and nothing beside it changes.',
    needs,
    writes,
    async run(kit) {
      const transmission = await filled(kit);
      await transmission.succeed({ type, offset: HALF, length: KIB_4 });
      const [before, after] = [await transmission.read(0, HALF), HALF + KIB_4];
      expectBytes(before, pattern(KIB_64, 1).subarray(0, HALF), 'before it');
      const rest = await transmission.read(after, KIB_64 - after);
      expectBytes(rest, pattern(KIB_64, 1).subarray(after), 'behind it');
    },
  },
  {
    id: 'trim.unaligned',
    level: 'MUST',
    section: 'Request types',
    about: 'Where the minimum block is one byte, a trim of any bytes changes nothing beside them.',
    needs,
    writes,
    async run(kit) {
      notApplicableIf(kit.survey.blockSizes?.minimum !== 1, 'the minimum block is not known to be 1');
      const transmission = await filled(kit);
      await transmission.succeed({ type, offset: 5000, length: 20_000 });
      const data = await transmission.read(0, KIB_64);
      expectBytes(data.subarray(0, 5000), pattern(KIB_64, 1).subarray(0, 5000), 'before it');
      expectBytes(data.subarray(25_000), pattern(KIB_64, 1).subarray(25_000), 'behind it');
    },
  },
  {
    id: 'trim.flag.fua',
    level: 'MUST',
    section: 'Command flags',
    about: 'Where SEND_FUA is set TRIM with FUA succeeds.',
    needs: { ...WRITABLE, flags: SendTrim | SendFua },
    writes,
    async run(kit) {
      await (await kit.ready()).succeed({ type, length: KIB_4, flags: CommandFlag.Fua });
    },
  },
  {
    id: 'trim.flag.foreign',
    level: 'SHOULD',
    section: 'Error values',
    about: 'TRIM with a flag of other commands, or one that nobody knows, fails with EINVAL.',
    needs,
    writes,
    async run(kit) {
      const transmission = await kit.ready();
      for (const flags of [CommandFlag.NoHole, CommandFlag.FastZero, UNKNOWN_COMMAND_FLAG]) {
        await transmission.fail({ type, length: KIB_4, flags }, NbdError.Inval);
      }
    },
  },
  {
    id: 'trim.range',
    level: 'SHOULD',
    section: 'Error values',
    about: 'TRIM beyond the end of the export fails with EINVAL.',
    needs,
    writes,
    async run(kit) {
      const transmission = await kit.ready();
      await transmission.fail({ type, offset: beyond(kit.survey), length: unit(kit.survey) }, NbdError.Inval);
    },
  },
  {
    id: 'trim.large',
    level: 'SHOULD',
    section: 'Block size constraints',
    about: 'TRIM of much more than the largest payload does not end the connection.',
    needs,
    writes,
    async run(kit) {
      notApplicableIf(kit.scratch < kit.survey.size, 'it may not change everything');
      await bears(await kit.ready(), { type, length: 2 ** 32 - KIB_64 }, kit.survey);
    },
  },
  {
    id: 'trim.length-0',
    level: 'SHOULD',
    section: 'Request types',
    about: 'TRIM of nothing does not end the connection.',
    needs,
    writes,
    async run(kit) {
      await bears(await kit.ready(), { type, length: 0 }, kit.survey);
    },
  },
];
