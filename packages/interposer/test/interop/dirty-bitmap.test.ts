import { beforeAll, describe, expect, it } from 'vitest';
import { peer } from '../../../../tools/peers.ts';
import { useBundle } from './bundle.ts';
import { Background, succeed } from './commands.ts';
import { sameFiles } from './images.ts';
import { codeBlocks, Shell, stepsOf } from '../pages.ts';

// Dirty bitmaps of a live export as clients of other people see them, and backups made from them: docs/filters/dirty.md word
// for word.
const world = useBundle();
const PAGE = 'filters/dirty.md';
// In words of the page.
const URI = "URI='nbd+unix:///disk?socket=/tmp/disk.sock'";
let shell: Shell;

beforeAll(() => {
  shell = new Shell(world);
});

interface MapEntry {
  readonly offset: number;
  readonly length: number;
  readonly type: number;
}

interface QemuMapEntry {
  readonly start: number;
  readonly length: number;
  readonly data: boolean;
}

describe.skipIf(!peer('nbdinfo', 'qemu-io', 'qemu-img', 'jq', 'fio'))('the page about dirty bitmaps', () => {
  it('shows what its commands print', async () => {
    const [example] = codeBlocks(PAGE, 'console');
    const steps = stepsOf(example!);
    expect(steps.length).toBeGreaterThan(10);
    expect(await shell.follow(steps)).toEqual(steps);
  });

  it('has a script whose backups are the disk, whoever writes to it meanwhile', async () => {
    const [script] = codeBlocks(PAGE, 'bash');
    const uri = `nbd+unix:///disk?socket=${world.path('disk.sock')}`;
    await world.ok('filter', 'attach', 'disk', 'dirty', 'name=backup');
    for (let run = 0; run < 3; run++) {
      const writer = new Background(
        'fio',
        ...['--name=writer', '--ioengine=nbd', `--uri=${uri}`, '--rw=randwrite', '--bsrange=1k-64k'],
        ...['--iodepth=4', '--size=8m', `--offset=${String(8 * run)}m`, `--randseed=${String(run)}`],
        ...['--time_based', '--runtime=60', '--rate_iops=200', `--output=${world.path('fio.log')}`],
      );
      await shell.run(`${URI}\n${script!}`);
      await writer.stop();
      expect(sameFiles(world.path('backup.img'), world.path('snapshot.img'))).toBe(true);
    }
    // The last one with the disk at rest: nothing is left behind.
    await shell.run(`${URI}\n${script!}`);
    expect(sameFiles(world.path('backup.img'), world.path('my.img'))).toBe(true);
  });

  it('is right about qemu-img, which finds the same blocks as nbdinfo', async () => {
    const uri = `nbd+unix:///disk?socket=${world.path('disk.sock')}`;
    await succeed('qemu-io', '-f', 'raw', uri, '-c', 'write 3M 4k', '-c', 'write 40M 1M');
    await world.ok('filter', 'message', 'disk', 'dirty', 'rotate', 'now');
    const told = await succeed('nbdinfo', '--json', '--map=qemu:dirty-bitmap:now', uri);
    const dirty = (JSON.parse(told) as MapEntry[])
      .filter(({ type }) => type === 1)
      .map(({ offset, length }) => ({ start: offset, length }));
    expect(dirty).toEqual([
      { start: 3 * 2 ** 20, length: 65_536 },
      { start: 40 * 2 ** 20, length: 2 ** 20 },
    ]);
    const command = codeBlocks(PAGE, 'sh').find((block) => block.startsWith('qemu-img map'));
    const mapped = (JSON.parse(await shell.run(command!)) as QemuMapEntry[])
      .filter(({ data }) => !data)
      .map(({ start, length }) => ({ start, length }));
    expect(mapped).toEqual(dirty);
  });
});
