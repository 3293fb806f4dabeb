import { describe, expect, it, vi } from 'vitest';
import { peer } from '../../../../tools/peers.ts';
import { canMount } from '../mounting.ts';
import { useWorld } from '../world.ts';
import { crashTest, EXT4_PROGRAMS, program, type Report, SEARCH_TIME } from './search.ts';

vi.setConfig({ testTimeout: SEARCH_TIME });
const world = useWorld(new URL('../interop/program-entry.ts', import.meta.url));

// A bank in SQLite on ext4. The disk is recorded below the file system of the kernel; checks need no superuser.
describe.skipIf(!canMount() || !peer(...EXT4_PROGRAMS, 'python3'))('SQLite on ext4', () => {
  interface Bank {
    readonly journal: 'delete' | 'wal';
    readonly synchronous: 'off' | 'full' | 'extra';
    /** Whether commits that returned have to be there. */
    readonly durable: boolean;
    readonly options?: readonly string[];
  }

  function search({ journal, synchronous, durable, options = [] }: Bank): Promise<Report> {
    const open = program('bank-open.py', journal);
    const transfer = program('bank-transfer.py', synchronous);
    const check = program('bank-check.py', ...(durable ? ['--durable', '"$INTERPOSER_PROMISES"'] : []));
    const name = `SQLite, journal_mode=${journal}, synchronous=${synchronous}${durable ? ', durable' : ''}`;
    return crashTest(world, name, {
      size: '16M',
      prepare: program('ext4-make.sh', '"$INTERPOSER_IMAGE"', open),
      run: `unshare --mount ${program('ext4-run.sh', '"$INTERPOSER_DISK"', 'noatime', transfer)}`,
      check: program('ext4-take.sh', '"$INTERPOSER_IMAGE"', check),
      options,
    });
  }

  it('is corrupted with synchronous=OFF', async () => {
    // Lost commits are not asked about, for that is what OFF is for; nor are torn pages, on a disk that writes 4 KiB whole.
    const options = ['--unit', '4K'];
    const { failures } = await search({ journal: 'delete', synchronous: 'off', durable: false, options });
    expect(failures).toHaveLength(1);
    expect(failures[0]!.message).toMatch(/integrity_check: |malformed|accounts hold/);
  });

  it('is not with synchronous=FULL', async () => {
    const report = await search({ journal: 'delete', synchronous: 'full', durable: false });
    expect(report.failures).toEqual([]);
    expect(report.ended).toBe('complete');
  });

  // https://www.sqlite.org/pragma.html#pragma_synchronous: only EXTRA makes the removal of the journal stable.
  it('may lose the last commit with synchronous=FULL and a journal that is deleted, as its manual says', async () => {
    const { failures } = await search({ journal: 'delete', synchronous: 'full', durable: true });
    expect(failures).toHaveLength(1);
    expect(failures[0]!.message).toMatch(/\d+ commits had returned, \d+ transfers are there/);
    expect(failures[0]!.kept).toEqual([]);
  });

  it.each([
    { journal: 'delete', synchronous: 'extra', durable: true },
    { journal: 'wal', synchronous: 'full', durable: true },
  ] as const)('keeps every commit with $journal and synchronous=$synchronous', async (bank) => {
    const report = await search(bank);
    expect(report.failures).toEqual([]);
    expect(report.ended).toBe('complete');
  });
});
