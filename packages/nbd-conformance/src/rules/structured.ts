import { NbdCommand, NbdOption, OptionReply } from '@interposer/nbd-protocol';
import type { Kit } from '../kit.ts';
import { chunkName, hex } from '../names.ts';
import { expect, type Rule } from '../rule.ts';
import type { Reply } from '../reply.ts';
import {
  beyond,
  contentChunks,
  expectFinal,
  extentOf,
  failedRead,
  KIB_64,
  prefix,
  stillNegotiates,
  stillServes,
  unit,
} from './helpers.ts';

const STRUCTURED = { structured: true } as const;

/** The answer to a long read, with structured replies. */
async function longRead(kit: Kit, flags = 0): Promise<Reply> {
  const transmission = await kit.ready({ mode: 'structured' });
  return transmission.succeed({ type: NbdCommand.Read, length: prefix(kit.survey, 16 * KIB_64), flags });
}

/** Structured replies: their negotiation, and the rules of their chunks. */
export const structuredRules: readonly Rule[] = [
  {
    id: 'structured.data',
    level: 'SHOULD',
    section: 'Option types',
    about: 'STRUCTURED_REPLY with data is answered with ERR_INVALID, and haggling goes on.',
    needs: STRUCTURED,
    async run(kit) {
      const negotiation = await kit.greeted();
      const answer = await negotiation.option(NbdOption.StructuredReply, Buffer.from('please'));
      expectFinal(answer, 'STRUCTURED_REPLY with data', OptionReply.ErrInvalid);
      await stillNegotiates(negotiation);
    },
  },
  {
    id: 'structured.refused-by-rule',
    level: 'MUST',
    section: 'Baseline',
    about: 'STRUCTURED_REPLY is either acknowledged or answered with ERR_UNSUP.',
    async run(kit) {
      const answer = await (await kit.greeted()).option(NbdOption.StructuredReply);
      expectFinal(
        answer,
        'STRUCTURED_REPLY',
        OptionReply.Ack,
        OptionReply.ErrUnsupported,
        OptionReply.ErrPolicy,
      );
    },
  },
  {
    id: 'structured.read',
    level: 'MUST',
    section: 'Structured reply chunk message',
    about: 'With structured replies a read is answered with one.',
    needs: STRUCTURED,
    async run(kit) {
      expect(!(await longRead(kit)).simple, 'it is answered with a simple reply');
    },
  },
  {
    id: 'structured.read.failed',
    level: 'MUST',
    section: 'Structured reply chunk message',
    about: 'With structured replies a read that fails early is answered with one too.',
    needs: STRUCTURED,
    async run(kit) {
      expect(!(await failedRead(kit)).simple, 'it is answered with a simple reply');
      const transmission = await kit.ready({ mode: 'structured' });
      const { simple } = await transmission.command({ type: NbdCommand.Read, length: 512, flags: 0x8000 });
      expect(!simple, 'a read with a bad flag is answered with a simple reply');
    },
  },
  {
    id: 'structured.done',
    level: 'MUST',
    section: 'Structured reply flags',
    about: 'The last chunk of a reply has DONE, and no other one.',
    needs: STRUCTURED,
    async run(kit) {
      const transmission = await kit.ready({ mode: 'structured' });
      const length = unit(kit.survey);
      const reads = [0, 0, beyond(kit.survey), 0].map((offset) =>
        transmission.request({ type: NbdCommand.Read, offset, length }),
      );
      for (const read of reads) await transmission.reply(read);
      await stillServes(transmission, kit.survey);
    },
  },
  {
    id: 'structured.flags',
    level: 'MUST',
    section: 'Structured reply flags',
    about: 'No flag of a chunk is set but DONE.',
    needs: STRUCTURED,
    async run(kit) {
      for (const { flags } of [...(await longRead(kit)).chunks, ...(await failedRead(kit)).chunks]) {
        expect((flags & ~1) === 0, `the flags of a chunk are 0x${flags.toString(16)}`);
      }
    },
  },
  {
    id: 'structured.none',
    level: 'MUST',
    section: 'Structured reply types',
    about: 'A chunk of type NONE is empty and the last.',
    needs: STRUCTURED,
    async run(kit) {
      const { chunks } = await longRead(kit);
      chunks.forEach(({ type, payload, flags }) => {
        if (type !== 0) return;
        expect(payload.length === 0, `it has a payload: ${hex(payload)}`);
        expect((flags & 1) === 1, 'it has no DONE');
      });
    },
  },
  {
    id: 'structured.types',
    level: 'MUST',
    section: 'Structured reply types',
    about: 'A successful read is answered with chunks of data, holes and NONE.',
    needs: STRUCTURED,
    async run(kit) {
      for (const { type } of (await longRead(kit)).chunks) {
        expect(type <= 2, `there is a chunk of type ${chunkName(type)}`);
      }
    },
  },
  {
    id: 'structured.chunk.shape',
    level: 'MUST',
    section: 'Structured reply types',
    about: 'A data chunk has at least one byte; a hole has 12 bytes and is not empty.',
    needs: STRUCTURED,
    async run(kit) {
      for (const chunk of contentChunks(await longRead(kit))) {
        const extent = extentOf(chunk);
        expect(extent !== null && extent.end > extent.start, `a chunk is ${hex(chunk.payload)}`);
      }
    },
  },
  {
    id: 'structured.chunk.inside',
    level: 'MUST',
    section: 'Structured reply types',
    about: 'Data and holes lie within the request.',
    needs: STRUCTURED,
    async run(kit) {
      const step = unit(kit.survey);
      const [offset, length] = [BigInt(step), Math.max(step, prefix(kit.survey, KIB_64) - 2 * step)];
      const transmission = await kit.ready({ mode: 'structured' });
      const reply = await transmission.succeed({ type: NbdCommand.Read, offset, length });
      for (const chunk of contentChunks(reply)) {
        const { start, end } = extentOf(chunk) ?? { start: 0n, end: 0n };
        const inside = start >= offset && end <= offset + BigInt(length);
        expect(inside, `a chunk goes from ${String(start)} to ${String(end)}`);
      }
    },
  },
  {
    id: 'structured.chunk.overlap',
    level: 'MUST',
    section: 'Request types',
    about: 'Data and holes do not overlap.',
    needs: STRUCTURED,
    async run(kit) {
      const extents = contentChunks(await longRead(kit)).map(
        (chunk) => extentOf(chunk) ?? { start: 0n, end: 0n },
      );
      const sorted = extents.sort((a, b) => (a.start < b.start ? -1 : 1));
      sorted.forEach(({ start }, index) => {
        const before = sorted[index - 1];
        expect(before === undefined || before.end <= start, `two chunks have byte ${String(start)}`);
      });
    },
  },
  {
    id: 'structured.chunk.cover',
    level: 'MUST',
    section: 'Request types',
    about: 'Data and holes of a read without error cover all of it.',
    needs: STRUCTURED,
    async run(kit) {
      const reply = await longRead(kit);
      const extents = contentChunks(reply).map((chunk) => extentOf(chunk) ?? { start: 0n, end: 0n });
      const sum = extents.reduce((total, { start, end }) => total + (end - start), 0n);
      expect(sum >= reply.request.length, `${String(sum)} of ${String(reply.request.length)} bytes came`);
    },
  },
  {
    id: 'structured.chunk.multiple',
    level: 'SHOULD',
    section: 'Request types',
    about: 'Chunks of an aligned read start and end at multiples of 512 bytes.',
    needs: STRUCTURED,
    async run(kit) {
      const reply = await longRead(kit);
      for (const chunk of contentChunks(reply)) {
        const { start, end } = extentOf(chunk) ?? { start: 0n, end: 0n };
        const fine = start % 512n === 0n && (end % 512n === 0n || end === reply.request.length);
        expect(fine, `a chunk goes from ${String(start)} to ${String(end)}`);
      }
    },
  },
];
