import { decodeText, NbdOption, OptionReply } from '@interposer/nbd-protocol';
import { hex } from '../names.ts';
import { expect, notApplicableIf, type Rule } from '../rule.ts';
import { expectFinal, stillNegotiates, UNKNOWN_OPTION } from './helpers.ts';

/** Options in general, and those that end the haggling. */
export const optionRules: readonly Rule[] = [
  {
    id: 'option.unknown',
    level: 'MUST',
    section: 'Baseline',
    about: 'An option that the server does not know is answered with ERR_UNSUP.',
    async run(kit) {
      const answer = await (await kit.greeted()).option(UNKNOWN_OPTION);
      expectFinal(answer, 'an unknown option', OptionReply.ErrUnsupported);
    },
  },
  {
    id: 'option.unknown.next',
    level: 'MUST',
    section: 'Baseline',
    about: 'After an unknown option with data the next option is understood.',
    async run(kit) {
      const negotiation = await kit.greeted();
      await negotiation.option(UNKNOWN_OPTION, Buffer.from('NBDMAGICIHAVEOPT'));
      await stillNegotiates(negotiation);
    },
  },
  {
    id: 'option.unknown.long',
    level: 'MUST',
    section: 'Newstyle negotiation',
    about: 'The data of an unknown option are skipped by their length, also where there are many of them.',
    async run(kit) {
      const negotiation = await kit.greeted();
      const answer = await negotiation.option(UNKNOWN_OPTION, Buffer.alloc(100_000, 0x49));
      expectFinal(answer, 'an unknown option with 100,000 bytes of data', OptionReply.ErrUnsupported);
      await stillNegotiates(negotiation);
    },
  },
  {
    id: 'option.peek-export',
    level: 'MUST',
    section: 'Option types',
    about: 'PEEK_EXPORT, which was withdrawn, is answered with ERR_UNSUP.',
    async run(kit) {
      const answer = await (await kit.greeted()).option(NbdOption.PeekExport);
      expectFinal(answer, 'PEEK_EXPORT', OptionReply.ErrUnsupported);
    },
  },
  {
    id: 'option.error.text',
    level: 'MUST',
    section: 'Conventions',
    about: 'The text of an error is UTF-8 without NUL, of at most 4096 bytes.',
    async run(kit) {
      const negotiation = await kit.greeted();
      for (const option of [UNKNOWN_OPTION, NbdOption.PeekExport]) {
        const { final } = await negotiation.option(option, Buffer.from('?'));
        notApplicableIf(final.type === OptionReply.Ack, 'there is no error');
        expect(decodeText(final.data) !== null, `the text is ${hex(final.data)}`);
      }
    },
  },
  {
    id: 'option.patience',
    level: 'MUST',
    section: 'Termination of the session during option haggling',
    about: 'Options that the server refuses do not end the connection, though twenty come in a row.',
    async run(kit) {
      const negotiation = await kit.greeted();
      for (let option = 0; option < 20; option++) await negotiation.option(UNKNOWN_OPTION + option);
      await stillNegotiates(negotiation);
    },
  },
  {
    id: 'abort.ack',
    level: 'MUST',
    section: 'Option types',
    about: 'ABORT is answered with ACK.',
    async run(kit) {
      expectFinal(await (await kit.greeted()).option(NbdOption.Abort), 'ABORT', OptionReply.Ack);
    },
  },
  {
    id: 'abort.data',
    level: 'SHOULD',
    section: 'Option types',
    about: 'Data that come with ABORT are ignored.',
    async run(kit) {
      const answer = await (await kit.greeted()).option(NbdOption.Abort, Buffer.from('no reason'));
      expectFinal(answer, 'ABORT with data', OptionReply.Ack);
    },
  },
  {
    id: 'abort.vanish',
    level: 'SHOULD',
    section: 'Option types',
    about: 'A client that sends ABORT and closes without waiting does no harm.',
    async run(kit) {
      const negotiation = await kit.greeted();
      await stillNegotiates(negotiation);
      void negotiation.option(NbdOption.Abort).catch(() => undefined);
      negotiation.wire.destroy();
      await stillNegotiates(await kit.greeted());
    },
  },
  {
    id: 'option.list',
    level: 'MUST',
    section: 'Baseline',
    about: 'LIST is answered with the exports and ACK, or refused for reasons of policy.',
    async run(kit) {
      const answer = await (await kit.greeted()).option(NbdOption.List);
      expectFinal(answer, 'LIST', OptionReply.Ack, OptionReply.ErrPolicy);
    },
  },
  {
    id: 'option.list.server',
    level: 'MUST',
    section: 'Option reply types',
    about: 'Each SERVER reply holds a length, a name that is not longer than the rest, and a text.',
    needs: { list: true },
    async run(kit) {
      const { before } = await (await kit.greeted()).option(NbdOption.List);
      for (const { type, data } of before) {
        expect(type === OptionReply.Server, `a reply to LIST has type ${String(type)}`);
        const length = data.length < 4 ? Infinity : data.readUInt32BE(0);
        expect(length <= data.length - 4, `a name does not fit in its reply: ${hex(data)}`);
        const texts = [data.subarray(4, 4 + length), data.subarray(4 + length)];
        expect(!texts.map(decodeText).includes(null), `a name or description is no text: ${hex(data)}`);
      }
    },
  },
  {
    id: 'option.list.ack',
    level: 'MUST',
    section: 'Option reply types',
    about: 'The ACK of LIST has no data.',
    needs: { list: true },
    async run(kit) {
      const { final } = await (await kit.greeted()).option(NbdOption.List);
      expect(final.data.length === 0, `the reply has ${String(final.data.length)} bytes`);
    },
  },
  {
    id: 'option.list.data',
    level: 'SHOULD',
    section: 'Option types',
    about: 'LIST with data is answered with ERR_INVALID, and haggling goes on.',
    needs: { list: true },
    async run(kit) {
      const negotiation = await kit.greeted();
      const answer = await negotiation.option(NbdOption.List, Buffer.from('all'));
      expectFinal(answer, 'LIST with data', OptionReply.ErrInvalid);
      await stillNegotiates(negotiation);
    },
  },
  {
    id: 'option.list.names',
    level: 'MUST',
    section: 'Option reply types',
    about: 'A name in the answer to LIST is one that INFO knows.',
    needs: { list: true },
    async run(kit) {
      const names = kit.survey.exports ?? [];
      notApplicableIf(names.length === 0, 'no export is listed');
      const negotiation = await kit.greeted();
      for (const name of names.slice(0, 8)) {
        const answer = await negotiation.info(NbdOption.Info, [], name);
        expect(answer.final.type !== OptionReply.ErrUnknown, `"${name}" is listed and unknown`);
      }
    },
  },
];
