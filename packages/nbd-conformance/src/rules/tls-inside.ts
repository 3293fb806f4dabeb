import { NbdCommand, NbdOption, OptionReply } from '@interposer/nbd-protocol';
import type { Kit } from '../kit.ts';
import { refusal, type TlsAttempt } from '../kit.ts';
import { expect, notApplicableIf, type Rule } from '../rule.ts';
import { expectFinal, stillNegotiates, stillServes, unit, UNKNOWN_OPTION } from './helpers.ts';

const INSIDE = { tls: 'any', credentials: true } as const;

async function shakes(kit: Kit, attempt: TlsAttempt): Promise<boolean> {
  const negotiation = await kit.plain();
  const failed = await refusal(kit.startTls(negotiation, attempt));
  return failed === null;
}

/** TLS itself, and what is within it. */
export const tlsInsideRules: readonly Rule[] = [
  {
    id: 'tls.version.1-2',
    level: 'MUST',
    section: 'TLS versions',
    about: 'TLS 1.2 is supported.',
    needs: INSIDE,
    async run(kit) {
      expect(await shakes(kit, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }), 'it is not');
    },
  },
  {
    id: 'tls.version.1-3',
    level: 'SHOULD',
    section: 'TLS versions',
    about: 'TLS 1.3 is supported.',
    needs: INSIDE,
    async run(kit) {
      expect(await shakes(kit, { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' }), 'it is not');
    },
  },
  {
    id: 'tls.version.old',
    level: 'SHOULD',
    section: 'TLS versions',
    about: 'TLS 1.1 and older are refused.',
    needs: INSIDE,
    async run(kit) {
      expect(!(await shakes(kit, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })), 'they are not');
    },
  },
  {
    id: 'tls.again',
    level: 'MUST',
    section: 'FORCEDTLS mode',
    about: 'STARTTLS within TLS is answered with ERR_INVALID.',
    needs: INSIDE,
    async run(kit) {
      const negotiation = await kit.plain();
      await kit.startTls(negotiation);
      expectFinal(await negotiation.option(NbdOption.StartTls), 'STARTTLS', OptionReply.ErrInvalid);
      await stillNegotiates(negotiation);
    },
  },
  {
    id: 'tls.inside.not-required',
    level: 'MUST',
    section: 'FORCEDTLS mode',
    about: 'Within TLS no option is answered with ERR_TLS_REQD.',
    needs: INSIDE,
    async run(kit) {
      const negotiation = await kit.plain();
      await kit.startTls(negotiation);
      for (const option of [NbdOption.List, UNKNOWN_OPTION, NbdOption.StructuredReply]) {
        const { final } = await negotiation.option(option);
        expect(final.type !== OptionReply.ErrTlsRequired, `option ${String(option)} is`);
      }
    },
  },
  {
    id: 'tls.forgets',
    level: 'MUST',
    section: 'Option types',
    about: 'What was negotiated before STARTTLS is void: structured replies have to be asked for again.',
    needs: { tls: 'offered', credentials: true },
    async run(kit) {
      const negotiation = await kit.plain();
      notApplicableIf(!(await negotiation.structured()), 'structured replies are refused');
      await kit.startTls(negotiation);
      const { simple } = await (
        await negotiation.go()
      ).command({ type: NbdCommand.Read, length: unit(kit.survey) });
      expect(simple, 'a read is answered with a structured reply');
    },
  },
  {
    id: 'tls.serves',
    level: 'MUST',
    section: 'FORCEDTLS mode',
    about: 'After the handshake options and requests are served within TLS.',
    needs: INSIDE,
    async run(kit) {
      const negotiation = await kit.plain();
      await kit.startTls(negotiation);
      await stillServes(await negotiation.go(), kit.survey);
    },
  },
];
