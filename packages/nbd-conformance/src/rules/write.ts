import { CommandFlag, NbdCommand, NbdError, TransmissionFlag } from '@interposer/nbd-protocol';
import { expect, notApplicableIf, type Rule } from '../rule.ts';
import {
  bears,
  beyond,
  expectBytes,
  KIB_4,
  KIB_64,
  lastUnit,
  pattern,
  stillServes,
  unit,
  UNKNOWN_COMMAND_FLAG,
  WRITABLE,
} from './helpers.ts';

const type = NbdCommand.Write;
const writes = true;
const { SendFua } = TransmissionFlag;

/** WRITE. */
export const writeRules: readonly Rule[] = [
  {
    id: 'write.reads-back',
    level: 'MUST',
    section: 'Request types',
    about:
      'What was written is read, on the same connection and on a new one, and nothing beside it changes.',
    needs: WRITABLE,
    writes,
    async run(kit) {
      const transmission = await kit.ready();
      const [before, data] = [pattern(KIB_64, 1), pattern(KIB_4, 2)];
      await transmission.succeed({ type, data: before });
      await transmission.succeed({ type, offset: 2 * KIB_4, data });
      data.copy(before, 2 * KIB_4);
      expectBytes(await transmission.read(0, KIB_64), before, 'on the same connection');
      expectBytes(await (await kit.ready()).read(0, KIB_64), before, 'on a new connection');
    },
  },
  {
    id: 'write.unaligned',
    level: 'MUST',
    section: 'Block size constraints',
    about: 'Where the minimum block is one byte, a write changes the bytes that it names and no others.',
    needs: WRITABLE,
    writes,
    async run(kit) {
      notApplicableIf(kit.survey.blockSizes?.minimum !== 1, 'the minimum block is not known to be 1');
      const transmission = await kit.ready();
      const bytes = pattern(4 * KIB_4, 1);
      await transmission.succeed({ type, data: bytes });
      for (const [offset, length] of [
        [1, 1],
        [511, 2],
        [4095, 2],
        [513, 9000],
      ] as const) {
        const data = pattern(length, offset);
        await transmission.succeed({ type, offset, data });
        data.copy(bytes, offset);
      }
      expectBytes(await transmission.read(0, bytes.length), bytes, 'after unaligned writes');
    },
  },
  {
    id: 'write.many',
    level: 'MUST',
    section: 'Request types',
    about: 'Of many writes in flight to different places each arrives.',
    needs: WRITABLE,
    writes,
    async run(kit) {
      const transmission = await kit.ready();
      const requests = Array.from({ length: 16 }, (_, index) =>
        transmission.request({ type, offset: index * KIB_4, data: pattern(KIB_4, index) }),
      );
      for (const request of requests) expect((await transmission.reply(request)).error === 0, 'one fails');
      const wanted = Buffer.concat(requests.map((_, index) => pattern(KIB_4, index)));
      expectBytes(await transmission.read(0, KIB_64), wanted, 'after the writes');
    },
  },
  {
    id: 'write.range.beyond',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A write that starts at the end of the export fails with ENOSPC.',
    needs: WRITABLE,
    writes,
    async run(kit) {
      const data = pattern(unit(kit.survey), 1);
      await (await kit.ready()).fail({ type, offset: beyond(kit.survey), data }, NbdError.NoSpc);
    },
  },
  {
    id: 'write.range.across',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A write across the end of the export fails with ENOSPC.',
    needs: WRITABLE,
    writes,
    async run(kit) {
      notApplicableIf(kit.scratch < kit.survey.size, 'it may not write at the end');
      const data = pattern(2 * unit(kit.survey), 1);
      await (await kit.ready()).fail({ type, offset: lastUnit(kit.survey), data }, NbdError.NoSpc);
    },
  },
  {
    id: 'write.range.wrap',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A write whose end does not fit in 64 bits fails with ENOSPC.',
    needs: WRITABLE,
    writes,
    async run(kit) {
      const write = { type, offset: 2n ** 64n - BigInt(KIB_64), data: pattern(2 * KIB_64, 1) };
      await (await kit.ready()).fail(write, NbdError.NoSpc, NbdError.Inval);
    },
  },
  {
    id: 'write.failed.next',
    level: 'MUST',
    section: 'Terminating the transmission phase',
    about: 'The data of a write that fails are skipped: the next request is understood.',
    needs: WRITABLE,
    writes,
    async run(kit) {
      const transmission = await kit.ready();
      const data = pattern(KIB_64, 1);
      const { error } = await transmission.command({ type, offset: beyond(kit.survey), data });
      expect(error !== 0, 'a write beyond the end succeeds');
      await stillServes(transmission, kit.survey);
    },
  },
  {
    id: 'write.failed.intact',
    level: 'MUST',
    section: 'Request types',
    about: 'A write with a flag that is not known changes nothing.',
    needs: WRITABLE,
    writes,
    async run(kit) {
      const transmission = await kit.ready();
      const data = pattern(KIB_4, 1);
      await transmission.succeed({ type, data });
      await transmission.fail({ type, data: pattern(KIB_4, 2), flags: UNKNOWN_COMMAND_FLAG }, NbdError.Inval);
      expectBytes(await transmission.read(0, KIB_4), data, 'after the write');
    },
  },
  {
    id: 'write.length-0',
    level: 'SHOULD',
    section: 'Request types',
    about: 'A write of nothing does not end the connection.',
    needs: WRITABLE,
    writes,
    async run(kit) {
      await bears(await kit.ready(), { type, length: 0 }, kit.survey);
    },
  },
  {
    id: 'write.flag.fua',
    level: 'MUST',
    section: 'Command flags',
    about: 'Where SEND_FUA is set a write with FUA succeeds.',
    needs: { ...WRITABLE, flags: SendFua },
    writes,
    async run(kit) {
      await (await kit.ready()).succeed({ type, data: pattern(KIB_4, 1), flags: CommandFlag.Fua });
    },
  },
  {
    id: 'write.flag.foreign',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A write with a flag of other commands, or one that nobody knows, fails with EINVAL.',
    needs: WRITABLE,
    writes,
    async run(kit) {
      const transmission = await kit.ready();
      for (const flags of [CommandFlag.NoHole, CommandFlag.Df, CommandFlag.ReqOne, UNKNOWN_COMMAND_FLAG]) {
        await transmission.fail({ type, data: pattern(KIB_4, 1), flags }, NbdError.Inval);
      }
    },
  },
  {
    id: 'write.structured',
    level: 'MUST',
    section: 'Structured reply chunk message',
    about: 'With structured replies a write is answered without data, once.',
    needs: { ...WRITABLE, structured: true },
    writes,
    async run(kit) {
      const transmission = await kit.ready({ mode: 'structured' });
      const { chunks } = await transmission.succeed({ type, data: pattern(KIB_4, 1) });
      expect(
        chunks.every((chunk) => chunk.payload.length === 0),
        'the reply has a payload',
      );
      await stillServes(transmission, kit.survey);
    },
  },
];
