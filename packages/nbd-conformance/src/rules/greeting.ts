import {
  encodeClientFlags,
  GREETING_BYTES,
  HandshakeFlag,
  NbdOption,
  encodeOption,
} from '@interposer/nbd-protocol';
import { hex } from '../names.ts';
import { expect, notApplicableIf, type Rule } from '../rule.ts';
import { stillNegotiates } from './helpers.ts';

/** The first bytes of a connection. */
export const greetingRules: readonly Rule[] = [
  {
    id: 'greeting.magic',
    level: 'MUST',
    section: 'Newstyle negotiation',
    about: 'The server speaks first, with NBDMAGIC and IHAVEOPT.',
    needs: { export: false },
    async run(kit) {
      const bytes = await (await kit.open()).wire.take(GREETING_BYTES, 'a greeting');
      const start = bytes.toString('latin1', 0, 16);
      expect(start === 'NBDMAGICIHAVEOPT', `the greeting is ${hex(bytes)}`);
    },
  },
  {
    id: 'greeting.fixed-newstyle',
    level: 'MUST',
    section: 'Handshake flags',
    about: 'FIXED_NEWSTYLE is among the handshake flags: all servers of today have it.',
    needs: { export: false },
    async run(kit) {
      const flags = await (await kit.open()).greeting();
      expect((flags & HandshakeFlag.FixedNewstyle) !== 0, `the handshake flags are 0x${flags.toString(16)}`);
    },
  },
  {
    id: 'greeting.reserved-flags',
    level: 'MUST',
    section: 'Handshake flags',
    about: 'No handshake flag is set but FIXED_NEWSTYLE and NO_ZEROES.',
    needs: { export: false },
    async run(kit) {
      const flags = await (await kit.open()).greeting();
      expect((flags & ~3) === 0, `the handshake flags are 0x${flags.toString(16)}`);
    },
  },
  {
    id: 'greeting.waits',
    level: 'MUST',
    section: 'Newstyle negotiation',
    about: 'After the greeting the server sends nothing until it has the client flags and an option.',
    async run(kit) {
      const negotiation = await kit.open();
      await negotiation.greeting();
      for (const byte of encodeClientFlags(3))
        negotiation.send(Buffer.of(byte), 'one byte of the client flags');
      await stillNegotiates(negotiation);
    },
  },
  {
    id: 'greeting.unknown-client-flag',
    level: 'MUST',
    section: 'Client flags',
    about: 'A client flag that the server does not know ends the connection.',
    async run(kit) {
      const negotiation = await kit.plain(0x80000003);
      negotiation.send(encodeOption(NbdOption.List), 'option LIST');
      await negotiation.closed('after an unknown client flag');
    },
  },
  {
    id: 'greeting.unoffered-client-flag',
    level: 'MUST',
    section: 'Client flags',
    about: 'A client flag that was not offered ends the connection.',
    async run(kit) {
      const negotiation = await kit.open();
      const offered = await negotiation.greeting();
      notApplicableIf((offered & 3) === 3, 'both flags are offered');
      negotiation.send(encodeClientFlags(3), 'client flags 0x3');
      negotiation.send(encodeOption(NbdOption.List), 'option LIST');
      await negotiation.closed('after a client flag that it did not offer');
    },
  },
];
