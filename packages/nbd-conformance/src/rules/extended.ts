import {
  encodeOption,
  NbdCommand,
  NbdError,
  NbdOption,
  OptionReply,
  TransmissionFlag,
} from '@interposer/nbd-protocol';
import type { Kit } from '../kit.ts';
import { expect, notApplicableIf, type Rule } from '../rule.ts';
import type { Transmission } from '../transmission.ts';
import type { Reply } from '../reply.ts';
import {
  beyond,
  contentChunks,
  expectBytes,
  expectFinal,
  KIB_64,
  pattern,
  prefix,
  stillNegotiates,
  stillServes,
  unit,
  UNKNOWN_COMMAND,
  WRITABLE,
} from './helpers.ts';

const section = 'Extended headers';
const needs = { extended: true } as const;
const TWO_33 = 2n ** 33n;

function ready(kit: Kit, contexts?: readonly string[]): Promise<Transmission> {
  return kit.ready({ mode: 'extended', ...(contexts === undefined ? {} : { contexts }) });
}

/** The answers to some requests that succeed and some that fail. */
async function variety(kit: Kit): Promise<Reply[]> {
  const transmission = await ready(kit);
  const length = unit(kit.survey);
  return [
    await transmission.command({ type: NbdCommand.Read, length: prefix(kit.survey, KIB_64) }),
    await transmission.command({ type: NbdCommand.Read, offset: beyond(kit.survey), length }),
    await transmission.command({ type: UNKNOWN_COMMAND, offset: 4096 }),
    await transmission.command({ type: NbdCommand.Flush }),
  ];
}

/** Extended headers, an extension of the protocol: its negotiation and its replies. */
export const extendedRules: readonly Rule[] = [
  {
    id: 'extended.data',
    level: 'SHOULD',
    section,
    about: 'EXTENDED_HEADERS with data is answered with ERR_INVALID, and haggling goes on.',
    needs,
    async run(kit) {
      const negotiation = await kit.greeted();
      const answer = await negotiation.option(NbdOption.ExtendedHeaders, Buffer.from('please'));
      expectFinal(answer, 'EXTENDED_HEADERS with data', OptionReply.ErrInvalid);
      await stillNegotiates(negotiation);
    },
  },
  {
    id: 'extended.structured-after',
    level: 'MUST',
    section,
    about: 'STRUCTURED_REPLY after EXTENDED_HEADERS is answered with ERR_EXT_HEADER_REQD.',
    needs,
    async run(kit) {
      const answer = await (await kit.haggling({ mode: 'extended' })).option(NbdOption.StructuredReply);
      expectFinal(answer, 'STRUCTURED_REPLY', OptionReply.ErrExtendedHeaderRequired);
    },
  },
  {
    id: 'extended.after-structured',
    level: 'MUST',
    section,
    about: 'EXTENDED_HEADERS after STRUCTURED_REPLY is acknowledged, and wins.',
    needs: { extended: true, structured: true },
    async run(kit) {
      const negotiation = await kit.haggling({ mode: 'structured' });
      expect(await negotiation.extended(), 'it is refused');
      await stillServes(await negotiation.go(), kit.survey);
    },
  },
  {
    id: 'extended.export-name',
    level: 'SHOULD',
    section,
    about: 'EXPORT_NAME after EXTENDED_HEADERS ends the connection.',
    needs,
    async run(kit) {
      const negotiation = await kit.haggling({ mode: 'extended' });
      negotiation.send(encodeOption(NbdOption.ExportName, Buffer.from(kit.name)), 'option EXPORT_NAME');
      await negotiation.closed('after EXPORT_NAME');
    },
  },
  {
    id: 'extended.replies',
    level: 'MUST',
    section,
    about: 'With extended headers all replies have them, of success and of failure.',
    needs,
    async run(kit) {
      for (const { simple, chunks } of await variety(kit)) {
        expect(!simple, 'there is a simple reply');
        expect(
          chunks.every(({ offset }) => offset !== undefined),
          'there is a structured reply',
        );
      }
    },
  },
  {
    id: 'extended.offset',
    level: 'MUST',
    section,
    about: 'The offset in a reply is that of its request.',
    needs,
    async run(kit) {
      for (const { request, chunks } of await variety(kit)) {
        const other = chunks.find(({ offset }) => offset !== undefined && offset !== request.offset);
        expect(other === undefined, `it is ${String(other?.offset)}, not ${String(request.offset)}`);
      }
    },
  },
  {
    id: 'extended.read',
    level: 'MUST',
    section,
    about: 'A read gives the same bytes as without extended headers.',
    needs,
    async run(kit) {
      const length = prefix(kit.survey, 16 * KIB_64);
      const transmission = await ready(kit);
      const reply = await transmission.succeed({ type: NbdCommand.Read, length });
      expect(contentChunks(reply).length > 0, 'no data came');
      expectBytes(reply.data ?? Buffer.alloc(0), await (await kit.ready()).read(0, length), 'the data');
    },
  },
  {
    id: 'extended.read.long',
    level: 'SHOULD',
    section,
    about:
      'A read of more than 4 GiB from a smaller export fails with EINVAL or EOVERFLOW; the connection stays.',
    needs,
    async run(kit) {
      notApplicableIf(BigInt(kit.survey.size) >= TWO_33, 'the export is larger');
      const transmission = await ready(kit);
      const read = { type: NbdCommand.Read, length: TWO_33 };
      await transmission.fail(read, NbdError.Inval, NbdError.Overflow);
      await stillServes(transmission, kit.survey);
    },
  },
  {
    id: 'extended.compact-request',
    level: 'MUST',
    section,
    about: 'A request with the magic number of compact headers is not served.',
    needs,
    async run(kit) {
      const transmission = await ready(kit);
      const header = Buffer.alloc(32);
      header.writeUInt32BE(0x25609513, 0);
      header.writeUInt32BE(unit(kit.survey), 24);
      transmission.send(header, 'a READ with a compact header');
      const error = await transmission.wire.take(32, 'a reply').catch(() => null);
      const served = error !== null && error.readUInt32BE(0) === 0x6e8a278c && (error[7] ?? 0) === 1;
      expect(!served, 'it is served');
    },
  },
  {
    id: 'extended.payload.unexpected',
    level: 'MUST',
    section,
    about: 'The payload of a command that takes none is skipped, and the command fails with EINVAL.',
    needs,
    async run(kit) {
      const transmission = await ready(kit);
      for (const type of [NbdCommand.Read, NbdCommand.Flush]) {
        await transmission.fail({ type, data: Buffer.alloc(512, 0x21) }, NbdError.Inval);
      }
      await stillServes(transmission, kit.survey);
    },
  },
  {
    id: 'extended.write',
    level: 'MUST',
    section,
    about: 'A write with PAYLOAD_LEN is read back.',
    needs: { ...WRITABLE, ...needs },
    writes: true,
    async run(kit) {
      const transmission = await ready(kit);
      const data = pattern(KIB_64, 9);
      await transmission.succeed({ type: NbdCommand.Write, data });
      expectBytes(await transmission.read(0, KIB_64), data, 'after the write');
    },
  },
  {
    id: 'extended.zeroes.range',
    level: 'SHOULD',
    section,
    about: 'Zeroes of more than 4 GiB on a smaller export fail with ENOSPC and change nothing.',
    needs: { ...WRITABLE, ...needs, flags: TransmissionFlag.SendWriteZeroes },
    writes: true,
    async run(kit) {
      notApplicableIf(BigInt(kit.survey.size) >= TWO_33, 'the export is larger');
      const transmission = await ready(kit);
      await transmission.succeed({ type: NbdCommand.Write, data: pattern(KIB_64, 1) });
      // The low half alone would be a valid length.
      const zeroes = { type: NbdCommand.WriteZeroes, length: TWO_33 + BigInt(KIB_64) };
      await transmission.fail(zeroes, NbdError.NoSpc);
      expectBytes(await transmission.read(0, KIB_64), pattern(KIB_64, 1), 'after them');
    },
  },
  {
    id: 'extended.trim.range',
    level: 'SHOULD',
    section,
    about: 'TRIM of more than 4 GiB on a smaller export fails with EINVAL.',
    needs: { ...WRITABLE, ...needs, flags: TransmissionFlag.SendTrim },
    writes: true,
    async run(kit) {
      notApplicableIf(BigInt(kit.survey.size) >= TWO_33, 'the export is larger');
      const trim = { type: NbdCommand.Trim, length: TWO_33 + BigInt(KIB_64) };
      await (await ready(kit)).fail(trim, NbdError.Inval);
    },
  },
];
