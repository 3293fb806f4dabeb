import { decodeText, encodeInfoRequest, InfoType, NbdOption, OptionReply } from '@interposer/nbd-protocol';
import { hex } from '../names.ts';
import { expect, NotApplicable, notApplicableIf, type Rule } from '../rule.ts';
import type { Kit } from '../kit.ts';
import type { InfoAnswer } from '../negotiation.ts';
import { ALL_INFO } from '../survey.ts';
import { expectFinal, isError, stillNegotiates } from './helpers.ts';

const UNKNOWN_NAME = 'interposer-nbd-conformance: there is no such export';

/** The answer to INFO with a name that hardly exists; not applicable if the server takes any name. */
async function unknownExport(kit: Kit, option: number): Promise<InfoAnswer> {
  const answer = await (await kit.greeted()).info(option, [], UNKNOWN_NAME);
  notApplicableIf(!isError(answer), 'the server takes any name for an export');
  return answer;
}

/** INFO, and GO as far as it can fail. */
export const infoRules: readonly Rule[] = [
  {
    id: 'info.export',
    level: 'MUST',
    section: 'Baseline',
    about: 'INFO is answered with information of type EXPORT before the ACK.',
    needs: { export: false },
    async run(kit) {
      const { tls, credentials } = kit.survey;
      notApplicableIf(
        tls === 'required' && !credentials,
        'the server insists on TLS, and the address is not of TLS',
      );
      const answer = await (await kit.greeted()).info(NbdOption.Info, []);
      expectFinal(answer, 'INFO', OptionReply.Ack);
      expect(
        answer.infos.some(({ type }) => type === 'export'),
        'there is no information of type EXPORT',
      );
    },
  },
  {
    id: 'info.ack.empty',
    level: 'MUST',
    section: 'Option reply types',
    about: 'The ACK of INFO has no data.',
    async run(kit) {
      const { final } = await (await kit.greeted()).info(NbdOption.Info);
      expect(final.data.length === 0, `the reply has ${String(final.data.length)} bytes`);
    },
  },
  {
    id: 'info.stays',
    level: 'MUST',
    section: 'Option types',
    about: 'After INFO the connection is still in option haggling.',
    async run(kit) {
      const negotiation = await kit.greeted();
      await negotiation.info(NbdOption.Info);
      await stillNegotiates(negotiation);
    },
  },
  {
    id: 'info.lengths',
    level: 'MUST',
    section: 'Option reply types',
    about: 'Information of type EXPORT has 12 bytes, of BLOCK_SIZE 14, of NAME and DESCRIPTION at least 2.',
    async run(kit) {
      const data = encodeInfoRequest({ name: kit.name, types: ALL_INFO });
      const { before } = await (await kit.greeted()).option(NbdOption.Info, data);
      for (const message of before) {
        expect(message.data.length >= 2, `information of ${String(message.data.length)} bytes`);
        const wanted = new Map<number, number>([
          [InfoType.Export, 12],
          [InfoType.BlockSize, 14],
        ]).get(message.data.readUInt16BE(0));
        expect(wanted === undefined || message.data.length === wanted, `information is ${hex(message.data)}`);
      }
    },
  },
  {
    id: 'info.texts',
    level: 'MUST',
    section: 'Conventions',
    about: 'Names and descriptions are UTF-8 without NUL, of at most 4096 bytes.',
    async run(kit) {
      const data = encodeInfoRequest({ name: kit.name, types: [InfoType.Name, InfoType.Description] });
      const { before } = await (await kit.greeted()).option(NbdOption.Info, data);
      const texts = before.filter(({ data: info }) => [1, 2].includes(info.readUInt16BE(0)));
      notApplicableIf(texts.length === 0, 'the server sends no name and no description');
      for (const text of texts)
        expect(decodeText(text.data.subarray(2)) !== null, `not so ${hex(text.data)}`);
    },
  },
  {
    id: 'info.name',
    level: 'MUST',
    section: 'Option reply types',
    about: 'Information of type NAME is the name that LIST has.',
    needs: { list: true },
    async run(kit) {
      const { infos } = await (await kit.greeted()).info(NbdOption.Info, [InfoType.Name]);
      const name = infos.find(({ type }) => type === 'name');
      if (name?.type !== 'name') throw new NotApplicable('the server sends no name');
      const names = kit.survey.exports ?? [];
      notApplicableIf(names.length === 0, 'no export is listed');
      expect(names.includes(name.text), `"${name.text}" is not among "${names.join('", "')}"`);
    },
  },
  {
    id: 'info.once',
    level: 'SHOULD',
    section: 'Option reply types',
    about: 'Each type of information comes once.',
    async run(kit) {
      const { before } = await (await kit.greeted()).info(NbdOption.Info, ALL_INFO);
      const types = before.map(({ data }) => data.readUInt16BE(0));
      expect(new Set(types).size === types.length, `the types are ${types.join(', ')}`);
    },
  },
  {
    id: 'info.unknown-type',
    level: 'MUST',
    section: 'Option types',
    about: 'Types of information that the server does not know are ignored.',
    async run(kit) {
      const types = [0x7f01, InfoType.BlockSize, 0xfff0];
      const answer = await (await kit.greeted()).info(NbdOption.Info, types);
      expectFinal(answer, 'INFO with unknown types', OptionReply.Ack);
    },
  },
  {
    id: 'info.sizes-asked',
    level: 'MUST',
    section: 'Option types',
    about: 'A client that asks for block sizes is not told to do so.',
    async run(kit) {
      const answer = await (await kit.greeted()).info(NbdOption.Info, [InfoType.BlockSize]);
      expect(answer.final.type !== OptionReply.ErrBlockSizeRequired, 'it is told to');
    },
  },
  {
    id: 'info.sizes-default',
    level: 'SHOULD',
    section: 'Block size constraints',
    about:
      'A server with a minimum block of one byte does not refuse clients that do not ask for block sizes.',
    async run(kit) {
      notApplicableIf((kit.survey.blockSizes?.minimum ?? 1) > 1, 'the minimum block is larger');
      const answer = await (await kit.greeted()).info(NbdOption.Go, []);
      expectFinal(answer, 'GO without BLOCK_SIZE', OptionReply.Ack);
    },
  },
  {
    id: 'info.unknown-export',
    level: 'MUST',
    section: 'Option types',
    about: 'INFO about an export that does not exist is answered with ERR_UNKNOWN.',
    async run(kit) {
      expectFinal(await unknownExport(kit, NbdOption.Info), 'an unknown export', OptionReply.ErrUnknown);
    },
  },
  {
    id: 'info.unknown-export.silent',
    level: 'SHOULD',
    section: 'Option types',
    about: 'No information comes before ERR_UNKNOWN.',
    async run(kit) {
      const { before } = await unknownExport(kit, NbdOption.Info);
      expect(before.length === 0, `${String(before.length)} replies come before it`);
    },
  },
  {
    id: 'info.unknown-export.go',
    level: 'MUST',
    section: 'Termination of the session during option haggling',
    about: 'GO to an export that does not exist is an error, after which haggling goes on.',
    async run(kit) {
      const negotiation = await kit.greeted();
      const answer = await negotiation.info(NbdOption.Go, [], UNKNOWN_NAME);
      notApplicableIf(!isError(answer), 'the server takes any name for an export');
      expectFinal(answer, 'GO to an unknown export', OptionReply.ErrUnknown);
      await stillNegotiates(negotiation);
    },
  },
  {
    id: 'info.malformed.name-length',
    level: 'SHOULD',
    section: 'Option types',
    about: 'INFO whose name is longer than its data is answered with ERR_INVALID, and haggling goes on.',
    async run(kit) {
      const negotiation = await kit.greeted();
      const data = Buffer.from('00000100616263640000', 'hex');
      expectFinal(await negotiation.option(NbdOption.Info, data), 'such an INFO', OptionReply.ErrInvalid);
      await stillNegotiates(negotiation);
    },
  },
  {
    id: 'info.malformed.count',
    level: 'SHOULD',
    section: 'Option reply types',
    about: 'INFO with fewer types than it says is answered with ERR_INVALID, and haggling goes on.',
    async run(kit) {
      const negotiation = await kit.greeted();
      const data = encodeInfoRequest({ name: kit.name, types: [InfoType.Export, InfoType.BlockSize] });
      const answer = await negotiation.option(NbdOption.Info, data.subarray(0, -2));
      expectFinal(answer, 'such an INFO', OptionReply.ErrInvalid);
      await stillNegotiates(negotiation);
    },
  },
  {
    id: 'info.malformed.short',
    level: 'SHOULD',
    section: 'Option reply types',
    about:
      'INFO with less data than its fixed parts have is answered with ERR_INVALID, and haggling goes on.',
    async run(kit) {
      const negotiation = await kit.greeted();
      const answer = await negotiation.option(NbdOption.Info, Buffer.alloc(3));
      expectFinal(answer, 'such an INFO', OptionReply.ErrInvalid);
      await stillNegotiates(negotiation);
    },
  },
  {
    id: 'info.malformed.go',
    level: 'SHOULD',
    section: 'Option reply types',
    about: 'GO with bytes after its last part is answered with ERR_INVALID, and haggling goes on.',
    async run(kit) {
      const negotiation = await kit.greeted();
      const data = encodeInfoRequest({ name: kit.name, types: [] });
      const answer = await negotiation.option(NbdOption.Go, Buffer.concat([data, Buffer.alloc(2)]));
      expectFinal(answer, 'such a GO', OptionReply.ErrInvalid);
      await stillNegotiates(negotiation);
    },
  },
];
