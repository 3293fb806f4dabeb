import { decodeText, NbdCommand, NbdError } from '@interposer/nbd-protocol';
import { hex } from '../names.ts';
import { expect, type Rule } from '../rule.ts';
import {
  bears,
  beyond,
  lastUnit,
  stillServes,
  unit,
  UNKNOWN_COMMAND,
  UNKNOWN_COMMAND_FLAG,
} from './helpers.ts';

const DEFINED_ERRORS: readonly number[] = Object.values(NbdError);

/** What concerns all requests: cookies, unknown commands, error numbers, the end. */
export const transmissionRules: readonly Rule[] = [
  {
    id: 'cookie.echo',
    level: 'MUST',
    section: 'Transmission',
    about: 'A reply has the cookie of its request, whatever its bits are.',
    async run(kit) {
      const transmission = await kit.ready();
      const length = unit(kit.survey);
      for (const cookie of [0n, 2n ** 64n - 1n, 1n << 63n, 0x2560951367446698n, 0x4e42444d41474943n]) {
        await transmission.succeed({ type: NbdCommand.Read, length, cookie });
      }
    },
  },
  {
    id: 'cookie.many',
    level: 'MUST',
    section: 'Transmission',
    about: 'Of many requests in flight each is answered once, with its own cookie.',
    async run(kit) {
      const transmission = await kit.ready();
      const length = unit(kit.survey);
      const requests = Array.from({ length: 64 }, (_, index) =>
        transmission.request({ type: NbdCommand.Read, length, cookie: BigInt(index) * 0x0101010101010101n }),
      );
      for (const request of requests.reverse()) await transmission.reply(request);
      await stillServes(transmission, kit.survey);
    },
  },
  {
    id: 'cookie.again',
    level: 'MUST',
    section: 'Transmission',
    about: 'A cookie may be used again once its request is answered.',
    async run(kit) {
      const transmission = await kit.ready();
      for (let count = 0; count < 3; count++) {
        await transmission.succeed({ type: NbdCommand.Read, length: unit(kit.survey), cookie: 7n });
      }
    },
  },
  {
    id: 'request.split',
    level: 'MUST',
    section: 'Request message',
    about: 'A request is understood in whatever pieces it arrives.',
    async run(kit) {
      const transmission = await kit.ready();
      const read = { type: NbdCommand.Read, length: unit(kit.survey) };
      const { error } = await transmission.reply(transmission.requestInPieces(read));
      expect(error === 0, `it fails with ${String(error)}`);
    },
  },
  {
    id: 'command.unknown',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A command that the server does not know fails with EINVAL.',
    async run(kit) {
      await (await kit.ready()).fail({ type: UNKNOWN_COMMAND }, NbdError.Inval);
    },
  },
  {
    id: 'command.unknown.next',
    level: 'MUST',
    section: 'Terminating the transmission phase',
    about: 'A command that the server does not know does not end the connection.',
    async run(kit) {
      await bears(await kit.ready(), { type: UNKNOWN_COMMAND, offset: 4096, length: 512 }, kit.survey);
    },
  },
  {
    id: 'error.defined',
    level: 'MUST',
    section: 'Error values',
    about: 'Only numbers that the protocol defines are sent as errors.',
    async run(kit) {
      const transmission = await kit.ready();
      const length = unit(kit.survey);
      const mistakes = [
        { type: UNKNOWN_COMMAND },
        { type: NbdCommand.Read, offset: beyond(kit.survey), length },
        { type: NbdCommand.Read, length, flags: UNKNOWN_COMMAND_FLAG },
        { type: NbdCommand.BlockStatus, length },
        { type: NbdCommand.Resize, length },
      ];
      for (const mistake of mistakes) {
        const { error } = await transmission.command(mistake);
        expect(DEFINED_ERRORS.includes(error), `the error is ${String(error)}`);
      }
    },
  },
  {
    id: 'error.overflow',
    level: 'SHOULD',
    section: 'Error values',
    about: 'EOVERFLOW and ENOTSUP are kept for DF and FAST_ZERO.',
    async run(kit) {
      const transmission = await kit.ready();
      const length = unit(kit.survey);
      const mistakes = [
        { type: UNKNOWN_COMMAND },
        { type: NbdCommand.Read, offset: lastUnit(kit.survey), length: 2 * length },
        { type: NbdCommand.Read, length: 2 ** 32 - 65536 },
        { type: NbdCommand.BlockStatus, length },
      ];
      for (const mistake of mistakes) {
        const { error } = await transmission.command(mistake);
        expect(error !== NbdError.Overflow && error !== NbdError.NotSup, `the error is ${String(error)}`);
      }
    },
  },
  {
    id: 'disconnect.closes',
    level: 'MUST',
    section: 'Terminating the transmission phase',
    about: 'DISC is not answered; the server closes the connection.',
    async run(kit) {
      const transmission = await kit.ready();
      transmission.request({ type: NbdCommand.Disconnect });
      await transmission.closed('after DISC');
    },
  },
  {
    id: 'disconnect.finishes',
    level: 'MUST',
    section: 'Request types',
    about: 'Requests that are in flight when DISC comes are still answered.',
    async run(kit) {
      const transmission = await kit.ready();
      const length = unit(kit.survey);
      const reads = Array.from({ length: 32 }, () => transmission.request({ type: NbdCommand.Read, length }));
      transmission.request({ type: NbdCommand.Disconnect });
      for (const read of reads) await transmission.reply(read);
      await transmission.closed('after DISC');
    },
  },
  {
    id: 'error.text',
    level: 'MUST',
    section: 'Conventions',
    about: 'The text of an error chunk is UTF-8 without NUL, and at most 4096 bytes long.',
    needs: { structured: true },
    async run(kit) {
      const transmission = await kit.ready({ mode: 'structured' });
      const { chunks } = await transmission.command({
        type: NbdCommand.Read,
        offset: beyond(kit.survey),
        length: 512,
      });
      for (const { type, payload } of chunks) {
        if ((type & 0x8000) === 0) continue;
        const end = payload.length < 6 ? Infinity : 6 + payload.readUInt16BE(4);
        expect(end <= payload.length, `the text is longer than the chunk: ${hex(payload)}`);
        expect(decodeText(payload.subarray(6, end)) !== null, `the text is ${hex(payload.subarray(6, end))}`);
      }
    },
  },
];
