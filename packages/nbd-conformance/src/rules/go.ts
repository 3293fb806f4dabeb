import {
  EXPORT_NAME_PADDING_BYTES,
  EXPORT_NAME_REPLY_BYTES,
  decodeExportNameReply,
  encodeOption,
  type ExportInfo,
  HandshakeFlag,
  NbdOption,
  OptionReply,
  TransmissionFlag,
} from '@interposer/nbd-protocol';
import type { Kit } from '../kit.ts';
import { hex, transmissionFlagNames } from '../names.ts';
import { expect, notApplicableIf, type Rule } from '../rule.ts';
import type { Transmission } from '../transmission.ts';
import { ALL_INFO } from '../survey.ts';
import { isError, stillServes } from './helpers.ts';

/** Into the transmission phase by EXPORT_NAME. */
async function byName(kit: Kit, clientFlags: number): Promise<Transmission> {
  const negotiation = await kit.greeted(clientFlags);
  negotiation.send(encodeOption(NbdOption.ExportName, Buffer.from(kit.name)), 'option EXPORT_NAME');
  const { size, flags } = decodeExportNameReply(
    await negotiation.wire.take(EXPORT_NAME_REPLY_BYTES, 'the answer to EXPORT_NAME'),
  );
  return negotiation.transmission(size, flags, null);
}

function sorted(infos: readonly ExportInfo[]): string {
  return infos
    .map((info) => JSON.stringify(info))
    .sort()
    .join(' ');
}

/** The ways into the transmission phase, and what is said about the export there. */
export const goRules: readonly Rule[] = [
  {
    id: 'go.transmission',
    level: 'MUST',
    section: 'Option types',
    about: 'After the ACK of GO the connection is in the transmission phase.',
    async run(kit) {
      await stillServes(await kit.ready(), kit.survey);
    },
  },
  {
    id: 'go.no-padding',
    level: 'MUST',
    section: 'Option types',
    about: 'No zeroes come after the ACK of GO, also if the client did not set NO_ZEROES.',
    async run(kit) {
      const negotiation = await kit.greeted(HandshakeFlag.FixedNewstyle);
      await stillServes(await negotiation.go(), kit.survey);
    },
  },
  {
    id: 'go.same-as-info',
    level: 'MUST',
    section: 'Option types',
    about: 'GO right after an INFO with the same parameters gives the same information.',
    async run(kit) {
      const negotiation = await kit.greeted();
      const info = await negotiation.info(NbdOption.Info, ALL_INFO);
      notApplicableIf(isError(info), 'INFO is refused');
      const go = await negotiation.info(NbdOption.Go, ALL_INFO);
      expect(go.final.type === OptionReply.Ack, 'GO is refused');
      const [first, second] = [sorted(info.infos), sorted(go.infos)];
      expect(first === second, `INFO says ${first}, GO says ${second}`);
    },
  },
  {
    id: 'export-name.padding',
    level: 'MUST',
    section: 'Newstyle negotiation',
    about: 'The answer to EXPORT_NAME ends with 124 zeroes if the client did not set NO_ZEROES.',
    async run(kit) {
      const transmission = await byName(kit, HandshakeFlag.FixedNewstyle);
      const padding = await transmission.wire.take(EXPORT_NAME_PADDING_BYTES, 'the padding');
      expect(
        padding.every((byte) => byte === 0),
        `the padding is ${hex(padding)}`,
      );
      await stillServes(transmission, kit.survey);
    },
  },
  {
    id: 'export-name.no-zeroes',
    level: 'MUST',
    section: 'Handshake flags',
    about: 'The answer to EXPORT_NAME has no padding if both sides set NO_ZEROES.',
    async run(kit) {
      const offered = await (await kit.open()).greeting();
      notApplicableIf((offered & HandshakeFlag.NoZeroes) === 0, 'NO_ZEROES is not offered');
      await stillServes(await byName(kit, 3), kit.survey);
    },
  },
  {
    id: 'export-name.same-as-go',
    level: 'MUST',
    section: 'Option reply types',
    about: 'EXPORT_NAME says the same size and transmission flags as GO.',
    async run(kit) {
      const { agreed: named } = await byName(kit, 3);
      const { agreed } = await kit.ready();
      expect(named.size === agreed.size, `the sizes are ${String(named.size)} and ${String(agreed.size)}`);
      const flags = [named.flags, agreed.flags].map(transmissionFlagNames);
      expect(named.flags === agreed.flags, `the flags are ${flags.join(' and ')}`);
    },
  },
  {
    id: 'export-name.unknown',
    level: 'MUST',
    section: 'Option types',
    about: 'EXPORT_NAME of an export that does not exist ends the connection.',
    async run(kit) {
      const name = 'interposer-nbd-conformance: no such export';
      notApplicableIf(
        !isError(await (await kit.greeted()).info(NbdOption.Info, [], name)),
        'any name is taken',
      );
      const negotiation = await kit.greeted();
      negotiation.send(encodeOption(NbdOption.ExportName, Buffer.from(name)), 'option EXPORT_NAME');
      await negotiation.closed('after EXPORT_NAME of an unknown export');
    },
  },
  {
    id: 'flags.has-flags',
    level: 'MUST',
    section: 'Transmission flags',
    about: 'HAS_FLAGS is set.',
    async run(kit) {
      const { flags } = (await kit.ready()).agreed;
      expect((flags & TransmissionFlag.HasFlags) !== 0, `the flags are ${transmissionFlagNames(flags)}`);
    },
  },
  {
    id: 'flags.df',
    level: 'MUST',
    section: 'Transmission flags',
    about: 'SEND_DF is clear without structured replies.',
    async run(kit) {
      const { flags } = (await kit.ready()).agreed;
      expect((flags & TransmissionFlag.SendDf) === 0, `the flags are ${transmissionFlagNames(flags)}`);
    },
  },
  {
    id: 'flags.fast-zero',
    level: 'MUST',
    section: 'Transmission flags',
    about: 'SEND_FAST_ZERO is clear where SEND_WRITE_ZEROES is.',
    async run(kit) {
      const { flags } = (await kit.ready()).agreed;
      const both = TransmissionFlag.SendFastZero | TransmissionFlag.SendWriteZeroes;
      expect(
        (flags & both) !== TransmissionFlag.SendFastZero,
        `the flags are ${transmissionFlagNames(flags)}`,
      );
    },
  },
  {
    id: 'flags.status-payload',
    level: 'MUST',
    section: 'Transmission flags',
    about: 'BLOCK_STATUS_PAYLOAD is clear without extended headers.',
    async run(kit) {
      const { flags } = (await kit.ready()).agreed;
      const set = (flags & TransmissionFlag.BlockStatusPayload) !== 0;
      expect(!set, `the flags are ${transmissionFlagNames(flags)}`);
    },
  },
  {
    id: 'flags.undefined',
    level: 'MUST',
    section: 'Transmission flags',
    about: 'Flags that the protocol does not define are clear.',
    async run(kit) {
      const { flags } = (await kit.ready()).agreed;
      expect((flags & 0xe000) === 0, `the flags are ${transmissionFlagNames(flags)}`);
    },
  },
];
