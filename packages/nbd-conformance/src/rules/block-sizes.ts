import { NbdCommand, NbdError, NbdOption } from '@interposer/nbd-protocol';
import type { Kit } from '../kit.ts';
import { expect, NotApplicable, notApplicableIf, type Rule } from '../rule.ts';
import { bears, expectBytes, pattern, stillServes, WRITABLE } from './helpers.ts';

interface Sizes {
  readonly minimum: number;
  readonly preferred: number;
  readonly maximum: number;
}

/** The block sizes as they are on the wire, unchecked. */
async function sizesOf(kit: Kit): Promise<Sizes> {
  const negotiation = await kit.greeted();
  const name = Buffer.from(kit.name);
  const data = Buffer.alloc(8 + name.length);
  data.writeUInt32BE(name.length, 0);
  name.copy(data, 4);
  data.writeUInt32BE(0x0001_0003, 4 + name.length);
  const { before } = await negotiation.option(NbdOption.Info, data);
  const sizes = before.find(
    (message) => message.data.length === 14 && message.data.readUInt16BE(0) === 3,
  )?.data;
  if (sizes === undefined) throw new NotApplicable('the server does not send block sizes');
  return {
    minimum: sizes.readUInt32BE(2),
    preferred: sizes.readUInt32BE(6),
    maximum: sizes.readUInt32BE(10),
  };
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

const section = 'Block size constraints';
const UNLIMITED = 0xffffffff;
const MIB = 2 ** 20;

/** What BLOCK_SIZE says, and what becomes of requests that do not obey it. */
export const blockSizeRules: readonly Rule[] = [
  {
    id: 'block-size.minimum',
    level: 'MUST',
    section,
    about: 'The minimum block size is a power of two of at most 65536.',
    async run(kit) {
      const { minimum } = await sizesOf(kit);
      expect(isPowerOfTwo(minimum) && minimum <= 65536, `it is ${String(minimum)}`);
    },
  },
  {
    id: 'block-size.preferred',
    level: 'MUST',
    section,
    about: 'The preferred block size is a power of two of at least 512 and of at least the minimum.',
    async run(kit) {
      const { minimum, preferred } = await sizesOf(kit);
      const fine = isPowerOfTwo(preferred) && preferred >= Math.max(minimum, 512);
      expect(fine, `it is ${String(preferred)}, the minimum is ${String(minimum)}`);
    },
  },
  {
    id: 'block-size.maximum',
    level: 'MUST',
    section,
    about: 'The maximum is not below the preferred block size, or the size of the export if that is smaller.',
    async run(kit) {
      const { preferred, maximum } = await sizesOf(kit);
      expect(
        maximum >= Math.min(preferred, kit.survey.size),
        `it is ${String(maximum)}, preferred is ${String(preferred)}`,
      );
    },
  },
  {
    id: 'block-size.maximum.multiple',
    level: 'MUST',
    section,
    about: 'The maximum is a multiple of the minimum block size, or 0xffffffff for no limit.',
    async run(kit) {
      const { minimum, maximum } = await sizesOf(kit);
      expect(
        maximum === UNLIMITED || maximum % minimum === 0,
        `it is ${String(maximum)}, the minimum is ${String(minimum)}`,
      );
    },
  },
  {
    id: 'block-size.maximum.large',
    level: 'SHOULD',
    section,
    about: 'The maximum is at least one MiB if the export is that large.',
    async run(kit) {
      const { maximum } = await sizesOf(kit);
      expect(maximum >= Math.min(MIB, kit.survey.size), `it is ${String(maximum)}`);
    },
  },
  {
    id: 'block-size.export',
    level: 'SHOULD',
    section,
    about: 'The size of the export is a multiple of the minimum block size.',
    async run(kit) {
      const { minimum } = await sizesOf(kit);
      expect(
        kit.survey.size % minimum === 0,
        `${String(kit.survey.size)} is no multiple of ${String(minimum)}`,
      );
    },
  },
  {
    id: 'block-size.default',
    level: 'SHOULD',
    section,
    about: 'A server that sends no block sizes serves reads of single bytes.',
    async run(kit) {
      notApplicableIf(kit.survey.blockSizes !== null, 'the server sends block sizes');
      await (await kit.ready()).read(1, 1);
    },
  },
  {
    id: 'block-size.obeyed',
    level: 'MUST',
    section,
    about: 'A read of one minimum block at an odd multiple of it succeeds.',
    needs: { blockSizes: true },
    async run(kit) {
      const { minimum } = await sizesOf(kit);
      notApplicableIf(kit.survey.size < 4 * minimum, 'the export is too small');
      await (await kit.ready()).read(3 * minimum, minimum);
    },
  },
  {
    id: 'block-size.read.unaligned',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A read that is not aligned to the minimum block size fails with EINVAL.',
    needs: { minimumBlock: true },
    async run(kit) {
      const { minimum } = await sizesOf(kit);
      const transmission = await kit.ready();
      const read = { type: NbdCommand.Read, offset: minimum / 2, length: minimum };
      await transmission.fail(read, NbdError.Inval);
      await transmission.fail({ ...read, offset: 0, length: minimum / 2 }, NbdError.Inval);
    },
  },
  {
    id: 'block-size.write.unaligned',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A write that is not aligned to the minimum block size fails with EINVAL.',
    needs: { ...WRITABLE, minimumBlock: true },
    writes: true,
    async run(kit) {
      const { minimum } = await sizesOf(kit);
      const transmission = await kit.ready();
      const data = pattern(minimum, 1);
      await transmission.fail({ type: NbdCommand.Write, offset: minimum / 2, data }, NbdError.Inval);
      await stillServes(transmission, kit.survey);
    },
  },
  {
    id: 'block-size.unasked',
    level: 'MUST',
    section,
    about:
      'To a client that did not ask for block sizes, an unaligned write either works or fails: it never harms data.',
    needs: { ...WRITABLE, minimumBlock: true },
    writes: true,
    async run(kit) {
      const { minimum } = await sizesOf(kit);
      const transmission = await kit.ready({ types: [] }).catch(() => {
        throw new NotApplicable('such a client is refused');
      });
      const before = pattern(2 * minimum, 1);
      await transmission.succeed({ type: NbdCommand.Write, data: before });
      const data = pattern(minimum, 2);
      const reply = await transmission.command({ type: NbdCommand.Write, offset: minimum / 2, data });
      if (reply.error === 0) data.copy(before, minimum / 2);
      expectBytes(await transmission.read(0, 2 * minimum), before, 'after the write');
    },
  },
  {
    id: 'block-size.read.large',
    level: 'SHOULD',
    section,
    about: 'A read of more than the maximum fails with EINVAL.',
    needs: { blockSizes: true },
    async run(kit) {
      const { minimum, maximum } = await sizesOf(kit);
      const length = maximum + minimum;
      notApplicableIf(length > kit.survey.size, 'the export is not larger than the maximum');
      await (await kit.ready()).fail({ type: NbdCommand.Read, length }, NbdError.Inval);
    },
  },
  {
    id: 'payload.read.large',
    level: 'SHOULD',
    section,
    about: 'A read of just below 32 MiB does not end the connection, whatever its answer.',
    async run(kit) {
      const length = 2 ** 25 - 65536;
      await bears(await kit.ready(), { type: NbdCommand.Read, length }, kit.survey);
    },
  },
  {
    id: 'payload.write.large',
    level: 'SHOULD',
    section,
    about: 'A write of just below 32 MiB does not end the connection, whatever its answer.',
    needs: WRITABLE,
    writes: true,
    async run(kit) {
      const data = Buffer.alloc(2 ** 25 - 65536);
      notApplicableIf(kit.scratch < data.length && kit.scratch < kit.survey.size, 'it may not write as much');
      await bears(await kit.ready(), { type: NbdCommand.Write, data }, kit.survey);
    },
  },
];
