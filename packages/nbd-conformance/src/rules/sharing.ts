import { CommandFlag, NbdCommand, NbdError, TransmissionFlag } from '@interposer/nbd-protocol';
import { expect, type Rule } from '../rule.ts';
import { atStart, expectBytes, KIB_4, pattern, unit, WRITABLE } from './helpers.ts';

const type = NbdCommand.Write;
const writes = true;
const { SendFlush, SendFua, CanMultiConn, ReadOnly, SendTrim, SendWriteZeroes } = TransmissionFlag;

/** Read-only exports, and what several connections see of each other. */
export const sharingRules: readonly Rule[] = [
  {
    id: 'multi-conn.flush',
    level: 'MUST',
    section: 'Transmission flags',
    about: 'With CAN_MULTI_CONN a write is seen on another connection after a FLUSH on a third one.',
    needs: { ...WRITABLE, flags: CanMultiConn | SendFlush },
    writes,
    async run(kit) {
      const [first, second, third] = await Promise.all([kit.ready(), kit.ready(), kit.ready()]);
      for (const seed of [1, 2, 3]) {
        await second.read(0, KIB_4);
        await first.succeed({ type, data: pattern(KIB_4, seed) });
        await third.succeed({ type: NbdCommand.Flush });
        expectBytes(await second.read(0, KIB_4), pattern(KIB_4, seed), 'on another connection');
      }
    },
  },
  {
    id: 'multi-conn.fua',
    level: 'MUST',
    section: 'Transmission flags',
    about: 'With CAN_MULTI_CONN a write with FUA is seen on another connection.',
    needs: { ...WRITABLE, flags: CanMultiConn | SendFua },
    writes,
    async run(kit) {
      const [first, second] = await Promise.all([kit.ready(), kit.ready()]);
      for (const seed of [4, 5, 6]) {
        await second.read(0, KIB_4);
        await first.succeed({ type, data: pattern(KIB_4, seed), flags: CommandFlag.Fua });
        expectBytes(await second.read(0, KIB_4), pattern(KIB_4, seed), 'on another connection');
      }
    },
  },
  {
    id: 'read-only.refuses',
    level: 'MUST',
    section: 'Transmission flags',
    about: 'On a read-only export writes, zeroes and trims fail, and change nothing.',
    needs: { flags: ReadOnly },
    writes,
    async run(kit) {
      const transmission = await kit.ready();
      const length = unit(kit.survey);
      const before = await transmission.read(0, length);
      for (const command of [type, NbdCommand.WriteZeroes, NbdCommand.Trim]) {
        const { error } = await transmission.command(atStart(command, kit.survey));
        expect(error !== 0, `command ${String(command)} succeeds`);
      }
      expectBytes(await transmission.read(0, length), before, 'after them');
    },
  },
  {
    id: 'read-only.write',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A write to a read-only export fails with EPERM.',
    needs: { flags: ReadOnly },
    writes,
    async run(kit) {
      await (await kit.ready()).fail(atStart(type, kit.survey), NbdError.Perm);
    },
  },
  {
    id: 'read-only.zeroes',
    level: 'SHOULD',
    section: 'Request types',
    about: 'Zeroes on a read-only export fail with EPERM.',
    needs: { flags: ReadOnly | SendWriteZeroes },
    writes,
    async run(kit) {
      await (await kit.ready()).fail(atStart(NbdCommand.WriteZeroes, kit.survey), NbdError.Perm);
    },
  },
  {
    id: 'read-only.trim',
    level: 'SHOULD',
    section: 'Error values',
    about: 'A trim of a read-only export fails with EPERM.',
    needs: { flags: ReadOnly | SendTrim },
    writes,
    async run(kit) {
      await (await kit.ready()).fail(atStart(NbdCommand.Trim, kit.survey), NbdError.Perm);
    },
  },
];
