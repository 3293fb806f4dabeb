import { describe, expect, it, vi } from 'vitest';
import { peer } from '../../../../tools/peers.ts';
import { canMount } from '../mounting.ts';
import { useWorld } from '../world.ts';
import { crashTest, EXT4_PROGRAMS, program, type Report, SEARCH_TIME } from './search.ts';

vi.setConfig({ testTimeout: SEARCH_TIME });
const world = useWorld(new URL('../interop/program-entry.ts', import.meta.url));

interface Change {
  /** Of the mount. */
  readonly options: string;
  readonly careful?: boolean;
  /** Whether each version gets a name of its own. */
  readonly keep?: boolean;
  /** Whether checks mount the disk, so that the kernel replays the journal; otherwise e2fsck and debugfs look into an image. */
  readonly mounted?: boolean;
}

// A program that changes its configuration by renaming a new file, on ext4.
describe.skipIf(!canMount() || !peer(...EXT4_PROGRAMS, 'python3'))('a rename on ext4', () => {
  function search({ options, careful = false, keep = false, mounted = false }: Change): Promise<Report> {
    const write = program('config-write.py', ...(careful ? ['--careful'] : []), ...(keep ? ['--keep'] : []));
    const check = program('config-check.py', '"$INTERPOSER_PROMISES"');
    const name = `rename, ${options}${careful ? ', with fsync' : ''}${keep ? ', new names' : ''}`;
    return crashTest(world, `${name}${mounted ? ', mounted' : ''}`, {
      size: '16M',
      prepare: program('ext4-make.sh', '"$INTERPOSER_IMAGE"', program('config-make.py')),
      run: `unshare --mount ${program('ext4-run.sh', '"$INTERPOSER_DISK"', options, write)}`,
      ...(mounted
        ? {
            check: `unshare --mount ${program('ext4-mount.sh', '"$INTERPOSER_DISK"', check)}`,
            options: ['--present', 'device'],
          }
        : { check: program('ext4-take.sh', '"$INTERPOSER_IMAGE"', check) }),
    });
  }

  // Of ext4(5), auto_da_alloc: by default ext4 knows a rename over another file, and begins to write the data then.
  it.each([
    { what: 'over another file', change: { options: 'noatime,noauto_da_alloc' } },
    { what: 'over another file, mounted', change: { options: 'noatime,noauto_da_alloc', mounted: true } },
    { what: 'to a new name', change: { options: 'noatime', keep: true } },
  ])('$what comes before the data, without fsync', async ({ change }) => {
    const { failures } = await search(change);
    expect(failures).toHaveLength(1);
    expect(failures[0]!.message).toMatch(/a configuration is damaged: (0 bytes|\d+ bytes, '\\x00)/);
  });

  it.each([
    { what: 'over another file', change: { options: 'noatime,noauto_da_alloc', careful: true } },
    {
      what: 'over another file, mounted',
      change: { options: 'noatime,noauto_da_alloc', careful: true, mounted: true },
    },
    { what: 'to a new name', change: { options: 'noatime', careful: true, keep: true } },
  ])('$what leaves either file, with fsync of data and directory', async ({ change }) => {
    const report = await search(change);
    expect(report.failures).toEqual([]);
    expect(report.ended).toBe('complete');
  });
});
