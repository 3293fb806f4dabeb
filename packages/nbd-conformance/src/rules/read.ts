import { CommandFlag, NbdCommand, NbdError, TransmissionFlag } from '@interposer/nbd-protocol';
import { expect, notApplicableIf, type Rule } from '../rule.ts';
import {
  bears,
  beyond,
  expectBytes,
  KIB_64,
  lastUnit,
  prefix,
  stillServes,
  unit,
  UNKNOWN_COMMAND_FLAG,
} from './helpers.ts';

const type = NbdCommand.Read;
const LAST_OFFSET = 2n ** 64n - 65536n;

/** READ with simple replies. */
export const readRules: readonly Rule[] = [
  {
    id: 'read.first',
    level: 'MUST',
    section: 'Request types',
    about: 'A read of the first bytes succeeds.',
    async run(kit) {
      await (await kit.ready()).read(0, unit(kit.survey));
    },
  },
  {
    id: 'read.last',
    level: 'MUST',
    section: 'Request types',
    about: 'A read of the last bytes succeeds.',
    async run(kit) {
      await (await kit.ready()).read(lastUnit(kit.survey), unit(kit.survey));
    },
  },
  {
    id: 'read.long',
    level: 'MUST',
    section: 'Request types',
    about: 'A long read gives the bytes that short reads of the same place give.',
    async run(kit) {
      const [length, step] = [prefix(kit.survey, 8 * KIB_64), unit(kit.survey)];
      const transmission = await kit.ready();
      const whole = await transmission.read(0, length);
      for (let offset = 0; offset + step <= length; offset += Math.max(step, KIB_64)) {
        expectBytes(
          await transmission.read(offset, step),
          whole.subarray(offset, offset + step),
          'a short read',
        );
      }
    },
  },
  {
    id: 'read.unaligned',
    level: 'MUST',
    section: 'Block size constraints',
    about: 'Where the minimum block is one byte, a read of any bytes gives those bytes.',
    async run(kit) {
      const { blockSizes, size } = kit.survey;
      notApplicableIf(blockSizes?.minimum !== 1 || size < 8192, 'the minimum block is not known to be 1');
      const transmission = await kit.ready();
      const whole = await transmission.read(0, 8192);
      for (const [start, end] of [
        [1, 2],
        [511, 513],
        [4095, 4097],
        [3, 8191],
      ] as const) {
        expectBytes(
          await transmission.read(start, end - start),
          whole.subarray(start, end),
          'an unaligned read',
        );
      }
    },
  },
  {
    id: 'read.simple',
    level: 'MUST',
    section: 'Simple reply message',
    about: 'Without structured replies a read is answered with a simple reply.',
    async run(kit) {
      const { simple } = await (await kit.ready()).command({ type, length: unit(kit.survey) });
      expect(simple, 'it is answered with a structured reply');
    },
  },
  {
    id: 'read.failed.simple',
    level: 'MUST',
    section: 'Simple reply message',
    about: 'Without structured replies a read that fails is answered with a simple reply that has no data.',
    async run(kit) {
      const transmission = await kit.ready();
      const { simple, error } = await transmission.command({ type, offset: beyond(kit.survey), length: 512 });
      expect(error !== 0, 'a read beyond the end succeeds');
      expect(simple, 'it is answered with a structured reply');
      await stillServes(transmission, kit.survey);
    },
  },
  {
    id: 'read.range.beyond',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A read that starts at the end of the export fails with EINVAL.',
    async run(kit) {
      const length = unit(kit.survey);
      await (await kit.ready()).fail({ type, offset: beyond(kit.survey), length }, NbdError.Inval);
    },
  },
  {
    id: 'read.range.across',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A read across the end of the export fails with EINVAL.',
    async run(kit) {
      const [offset, length] = [lastUnit(kit.survey), 2 * unit(kit.survey)];
      await (await kit.ready()).fail({ type, offset, length }, NbdError.Inval);
    },
  },
  {
    id: 'read.range.wrap',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A read whose end does not fit in 64 bits fails with EINVAL.',
    async run(kit) {
      const transmission = await kit.ready();
      await transmission.fail({ type, offset: LAST_OFFSET, length: 2 * KIB_64 }, NbdError.Inval);
      await transmission.fail({ type, offset: 2n ** 63n, length: KIB_64 }, NbdError.Inval);
    },
  },
  {
    id: 'read.length-0',
    level: 'SHOULD',
    section: 'Request types',
    about: 'A read of nothing does not end the connection.',
    async run(kit) {
      await bears(await kit.ready(), { type, length: 0 }, kit.survey);
    },
  },
  {
    id: 'read.length-max',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A read of 4 GiB less one block from a smaller export fails with EINVAL.',
    async run(kit) {
      const length = 2 ** 32 - KIB_64;
      notApplicableIf(length <= kit.survey.size, 'the export is larger');
      await (await kit.ready()).fail({ type, length }, NbdError.Inval);
    },
  },
  {
    id: 'read.flag.fua',
    level: 'MUST',
    section: 'Command flags',
    about: 'Where SEND_FUA is set a read with FUA succeeds.',
    needs: { flags: TransmissionFlag.SendFua },
    async run(kit) {
      await (await kit.ready()).read(0, unit(kit.survey), CommandFlag.Fua);
    },
  },
  {
    id: 'read.flag.unknown',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A read with a flag that nobody knows fails with EINVAL.',
    async run(kit) {
      const read = { type, length: unit(kit.survey), flags: UNKNOWN_COMMAND_FLAG };
      await (await kit.ready()).fail(read, NbdError.Inval);
    },
  },
  {
    id: 'read.flag.foreign',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A read with a flag of other commands fails with EINVAL.',
    async run(kit) {
      const transmission = await kit.ready();
      for (const flags of [CommandFlag.NoHole, CommandFlag.ReqOne, CommandFlag.FastZero]) {
        await transmission.fail({ type, length: unit(kit.survey), flags }, NbdError.Inval);
      }
    },
  },
  {
    id: 'read.flag.df',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A read with DF fails with EINVAL where SEND_DF is not set.',
    async run(kit) {
      const read = { type, length: unit(kit.survey), flags: CommandFlag.Df };
      await (await kit.ready()).fail(read, NbdError.Inval);
    },
  },
  {
    id: 'read.flag.payload-length',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A read with PAYLOAD_LEN fails with EINVAL without extended headers.',
    async run(kit) {
      const read = { type, length: unit(kit.survey), flags: CommandFlag.PayloadLength };
      await (await kit.ready()).fail(read, NbdError.Inval);
    },
  },
  {
    id: 'read.failed.next',
    level: 'MUST',
    section: 'Request types',
    about: 'No data follow the answer to a read that fails: answers to the next requests are in their place.',
    async run(kit) {
      const transmission = await kit.ready();
      const length = unit(kit.survey);
      const requests = [0, beyond(kit.survey), 0, beyond(kit.survey), 0].map((offset) =>
        transmission.request({ type, offset, length }),
      );
      for (const request of requests) {
        const { error } = await transmission.reply(request);
        expect(
          (error === 0) === (request.offset === 0n),
          'a read within the export fails, or one beyond does not',
        );
      }
    },
  },
];
