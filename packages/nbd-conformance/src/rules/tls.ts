import {
  encodeInfoRequest,
  encodeOption,
  HandshakeFlag,
  NbdOption,
  OptionReply,
} from '@interposer/nbd-protocol';
import type { Kit } from '../kit.ts';
import { replyName } from '../names.ts';
import { expect, notApplicableIf, type Rule } from '../rule.ts';
import { expectFinal, isError, stillNegotiates, UNKNOWN_OPTION } from './helpers.ts';

const NONE = { tls: 'none' } as const;
const FORCED = { tls: 'required' } as const;
const ANY = { tls: 'any' } as const;

/** Answers to options without TLS. */
async function answers(kit: Kit): Promise<{ option: number; type: number; before: number }[]> {
  const negotiation = await kit.plain();
  const options: readonly (readonly [number, Buffer?])[] = [
    [NbdOption.List],
    [NbdOption.StructuredReply],
    [UNKNOWN_OPTION],
    [NbdOption.Info, encodeInfoRequest({ name: kit.name, types: [] })],
  ];
  const all = [];
  for (const [option, data] of options) {
    const { final, before } = await negotiation.option(option, data);
    all.push({ option, type: final.type, before: before.length });
  }
  return all;
}

/** STARTTLS in the three modes of servers: without TLS, with it on demand, insisting on it. */
export const tlsRules: readonly Rule[] = [
  {
    id: 'tls.none.refused',
    level: 'MUST',
    section: 'NOTLS mode',
    about: 'Without TLS, STARTTLS is answered with ERR_POLICY or ERR_UNSUP, and haggling goes on.',
    needs: NONE,
    async run(kit) {
      const negotiation = await kit.plain();
      const answer = await negotiation.option(NbdOption.StartTls);
      const { ErrPolicy, ErrUnsupported, ErrPlatform } = OptionReply;
      expectFinal(answer, 'STARTTLS', ErrPolicy, ErrUnsupported, ErrPlatform);
      await stillNegotiates(negotiation);
    },
  },
  {
    id: 'tls.none.not-required',
    level: 'MUST',
    section: 'NOTLS mode',
    about: 'Without TLS no option is answered with ERR_TLS_REQD.',
    needs: NONE,
    async run(kit) {
      for (const { option, type } of await answers(kit)) {
        expect(type !== OptionReply.ErrTlsRequired, `option ${String(option)} is`);
      }
    },
  },
  {
    id: 'tls.offered.not-required',
    level: 'MUST',
    section: 'SELECTIVETLS mode',
    about: 'A server that offers TLS requires it for INFO, GO and EXPORT_NAME only.',
    needs: { tls: 'offered' },
    async run(kit) {
      for (const { option, type } of await answers(kit)) {
        const allowed = option === NbdOption.Info || type !== OptionReply.ErrTlsRequired;
        expect(allowed, `option ${String(option)} is answered with ERR_TLS_REQD`);
      }
    },
  },
  {
    id: 'tls.forced.options',
    level: 'MUST',
    section: 'FORCEDTLS mode',
    about: 'A server that insists on TLS answers all other options with ERR_TLS_REQD, unknown ones too.',
    needs: FORCED,
    async run(kit) {
      for (const { option, type } of await answers(kit)) {
        expect(
          type === OptionReply.ErrTlsRequired,
          `option ${String(option)} is answered with ${replyName(type)}`,
        );
      }
    },
  },
  {
    id: 'tls.forced.silent',
    level: 'MUST',
    section: 'Option types',
    about: 'A server that insists on TLS says nothing about exports before it.',
    needs: FORCED,
    async run(kit) {
      for (const { option, before } of await answers(kit)) {
        expect(before === 0, `${String(before)} replies come to option ${String(option)}`);
      }
    },
  },
  {
    id: 'tls.forced.go',
    level: 'MUST',
    section: 'FORCEDTLS mode',
    about: 'A server that insists on TLS answers GO with ERR_TLS_REQD before it.',
    needs: FORCED,
    async run(kit) {
      const answer = await (await kit.plain()).info(NbdOption.Go);
      expectFinal(answer, 'GO', OptionReply.ErrTlsRequired);
    },
  },
  {
    id: 'tls.forced.export-name',
    level: 'MUST',
    section: 'FORCEDTLS mode',
    about: 'A server that insists on TLS closes the connection at EXPORT_NAME before it.',
    needs: FORCED,
    async run(kit) {
      const negotiation = await kit.plain();
      negotiation.send(encodeOption(NbdOption.ExportName, Buffer.from(kit.name)), 'option EXPORT_NAME');
      await negotiation.closed('after EXPORT_NAME without TLS');
    },
  },
  {
    id: 'tls.forced.abort',
    level: 'MUST',
    section: 'FORCEDTLS mode',
    about: 'ABORT is answered with ACK also before TLS.',
    needs: FORCED,
    async run(kit) {
      expectFinal(await (await kit.plain()).option(NbdOption.Abort), 'ABORT', OptionReply.Ack);
    },
  },
  {
    id: 'tls.data',
    level: 'SHOULD',
    section: 'Option types',
    about: 'STARTTLS with data is answered with ERR_INVALID.',
    needs: ANY,
    async run(kit) {
      const answer = await (await kit.plain()).option(NbdOption.StartTls, Buffer.from('now'));
      expectFinal(answer, 'STARTTLS with data', OptionReply.ErrInvalid);
    },
  },
  {
    id: 'tls.fixed-newstyle',
    level: 'MUST',
    section: 'Server-side requirements',
    about: 'To a client without FIXED_NEWSTYLE the server acts as if it had no TLS.',
    needs: ANY,
    async run(kit) {
      const negotiation = await kit.open();
      const attempt = negotiation
        .greet(HandshakeFlag.NoZeroes)
        .then(() => negotiation.option(NbdOption.StartTls));
      const answer = await attempt.catch(() => null);
      notApplicableIf(answer === null, 'such a client is refused');
      expect(answer === null || isError(answer), 'STARTTLS is acknowledged');
    },
  },
  {
    id: 'tls.handshake.failed',
    level: 'MUST',
    section: 'FORCEDTLS mode',
    about: 'A TLS handshake that fails ends the connection.',
    needs: ANY,
    async run(kit) {
      const negotiation = await kit.plain();
      negotiation.acknowledged(await negotiation.option(NbdOption.StartTls), 'STARTTLS');
      negotiation.send(encodeOption(NbdOption.List), 'option LIST, without TLS');
      const alert = await negotiation.wire.take(20, 'a reply').catch(() => null);
      const plain = alert?.toString('hex').startsWith('0003e889045565a9') ?? false;
      expect(!plain, 'an option after STARTTLS is answered without TLS');
    },
  },
];
