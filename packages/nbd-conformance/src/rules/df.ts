import { CommandFlag, NbdCommand, NbdError, TransmissionFlag } from '@interposer/nbd-protocol';
import { chunkName } from '../names.ts';
import { expect, type Rule } from '../rule.ts';
import { contentChunks, expectBytes, KIB_64, pattern, prefix, WRITABLE } from './helpers.ts';

const WITH_DF = { structured: true, flags: TransmissionFlag.SendDf } as const;

/** READ with DF: answered in one piece. */
export const dfRules: readonly Rule[] = [
  {
    id: 'df.one-chunk',
    level: 'MUST',
    section: 'Request types',
    about: 'A read of 64 KiB with DF is answered with one chunk of data or one hole.',
    needs: WITH_DF,
    async run(kit) {
      const transmission = await kit.ready({ mode: 'structured' });
      const length = prefix(kit.survey, KIB_64);
      const reply = await transmission.succeed({ type: NbdCommand.Read, length, flags: CommandFlag.Df });
      const count = contentChunks(reply).length;
      expect(count === 1, `there are ${String(count)}`);
    },
  },
  {
    id: 'df.long',
    level: 'MUST',
    section: 'Request types',
    about: 'A longer read with DF gives one chunk, or fails with EOVERFLOW and none.',
    needs: WITH_DF,
    async run(kit) {
      const transmission = await kit.ready({ mode: 'structured' });
      const length = prefix(kit.survey, 64 * KIB_64);
      const reply = await transmission.command({ type: NbdCommand.Read, length, flags: CommandFlag.Df });
      const count = contentChunks(reply).length;
      const fine = reply.error === 0 ? count === 1 : reply.error === NbdError.Overflow && count === 0;
      expect(fine, `the error is ${String(reply.error)}, there are ${String(count)} chunks`);
    },
  },
  {
    id: 'df.same',
    level: 'MUST',
    section: 'Structured reply types',
    about: 'What is a hole without DF is zero with it, and data are the same.',
    needs: WITH_DF,
    async run(kit) {
      const transmission = await kit.ready({ mode: 'structured' });
      const length = prefix(kit.survey, KIB_64);
      const plain = await transmission.read(0, length);
      expectBytes(plain, await transmission.read(0, length, CommandFlag.Df), 'without DF');
    },
  },
  {
    id: 'df.mixed',
    level: 'MUST',
    section: 'Request types',
    about: 'A read with DF of data and zeroes gives one chunk of data.',
    needs: {
      ...WRITABLE,
      structured: true,
      flags: TransmissionFlag.SendDf | TransmissionFlag.SendWriteZeroes,
    },
    writes: true,
    async run(kit) {
      const transmission = await kit.ready({ mode: 'structured' });
      const half = KIB_64 / 2;
      await transmission.succeed({ type: NbdCommand.Write, data: pattern(half, 3) });
      await transmission.succeed({ type: NbdCommand.WriteZeroes, offset: half, length: half });
      const reply = await transmission.succeed({
        type: NbdCommand.Read,
        length: KIB_64,
        flags: CommandFlag.Df,
      });
      const types = contentChunks(reply).map(({ type }) => type);
      expect(
        types.length === 1 && types[0] === 1,
        `the chunks are of types ${types.map(chunkName).join(', ')}`,
      );
      expectBytes(
        reply.data ?? Buffer.alloc(0),
        Buffer.concat([pattern(half, 3), Buffer.alloc(half)]),
        'the data',
      );
    },
  },
];
