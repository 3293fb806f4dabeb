import { AllocationFlag, CommandFlag, NbdCommand } from '@interposer/nbd-protocol';
import { expect, notApplicableIf, type Rule } from '../rule.ts';
import { allExtents, prefixOf, readyForStatus, wholeStatus } from './block-status.ts';
import { KIB_64, prefix, WRITABLE } from './helpers.ts';

const type = NbdCommand.BlockStatus;
const needs = { structured: true, allocation: true } as const;
/** Whether what base:allocation says is so. */
export const allocationRules: readonly Rule[] = [
  {
    id: 'status.allocation.flags',
    level: 'SHOULD',
    section: 'The `base:` metadata namespace',
    about: 'Of the flags of base:allocation only the two that are defined are set.',
    needs,
    async run(kit) {
      for (const { flags } of allExtents(await wholeStatus(kit))) {
        expect(flags <= 3, `the flags of an extent are 0x${flags.toString(16)}`);
      }
    },
  },
  {
    id: 'status.allocation.zero',
    level: 'MUST',
    section: 'The `base:` metadata namespace',
    about: 'Extents that are said to be zero read as zeroes.',
    needs,
    async run(kit) {
      const transmission = await readyForStatus(kit);
      const extents = allExtents(await transmission.succeed({ type, length: prefixOf(kit) }));
      notApplicableIf(!extents.some(({ flags }) => (flags & AllocationFlag.Zero) !== 0), 'there are none');
      let offset = 0;
      for (const { length, flags } of extents.slice(0, 64)) {
        const data = await transmission.read(offset, Math.min(length, prefix(kit.survey, 4 * KIB_64)));
        if ((flags & AllocationFlag.Zero) !== 0) expect(!data.some((byte) => byte !== 0), 'they do not');
        offset += length;
      }
    },
  },
  {
    id: 'status.allocation.data',
    level: 'MUST',
    section: 'The `base:` metadata namespace',
    about: 'What was just written is neither a hole nor zero.',
    needs: { ...WRITABLE, ...needs },
    writes: true,
    async run(kit) {
      const transmission = await readyForStatus(kit);
      await transmission.succeed({ type: NbdCommand.Write, data: Buffer.alloc(KIB_64, 0x5a) });
      const [extent] = allExtents(
        await transmission.succeed({ type, length: KIB_64, flags: CommandFlag.ReqOne }),
      );
      expect(extent?.flags === 0, `its flags are ${String(extent?.flags)}`);
    },
  },
];
