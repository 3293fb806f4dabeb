import { NbdError } from '@interposer/nbd-protocol';
import { hex } from '../names.ts';
import { expect, type Rule } from '../rule.ts';
import { failedRead, UNKNOWN_COMMAND } from './helpers.ts';

const STRUCTURED = { structured: true } as const;

/** Errors with structured replies. */
export const structuredErrorRules: readonly Rule[] = [
  {
    id: 'structured.error.shape',
    level: 'MUST',
    section: 'Structured reply types',
    about: 'An error chunk has an error that is not zero and a text that fits.',
    needs: STRUCTURED,
    async run(kit) {
      for (const { type, payload } of (await failedRead(kit)).chunks) {
        if ((type & 0x8000) === 0) continue;
        const least = type === 0x8002 ? 14 : 6;
        expect(payload.length >= least, `it has ${String(payload.length)} bytes`);
        expect(payload.readUInt32BE(0) !== 0, 'its error is 0');
        expect(least + payload.readUInt16BE(4) <= payload.length, `its text does not fit: ${hex(payload)}`);
      }
    },
  },
  {
    id: 'structured.error.once',
    level: 'SHOULD',
    section: 'Structured reply types',
    about: 'At most one chunk of type ERROR is in a reply.',
    needs: STRUCTURED,
    async run(kit) {
      const errors = (await failedRead(kit)).chunks.filter(({ type }) => type === 0x8001);
      expect(errors.length <= 1, `there are ${String(errors.length)}`);
    },
  },
  {
    id: 'structured.errors',
    level: 'SHOULD',
    section: 'Structured reply chunk message',
    about: 'With structured replies errors of all commands come as structured replies.',
    needs: STRUCTURED,
    async run(kit) {
      const transmission = await kit.ready({ mode: 'structured' });
      const { simple } = await transmission.fail({ type: UNKNOWN_COMMAND }, NbdError.Inval);
      expect(!simple, 'an unknown command is answered with a simple reply');
    },
  },
];
