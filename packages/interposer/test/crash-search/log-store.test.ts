import { describe, expect, it, vi } from 'vitest';
import { peer } from '../../../../tools/peers.ts';
import { canFuse } from '../mounting.ts';
import { useWorld } from '../world.ts';
import { crashTest, program, type Report, SEARCH_TIME } from './search.ts';

vi.setConfig({ testTimeout: SEARCH_TIME });
const world = useWorld(new URL('../interop/program-entry.ts', import.meta.url));

// A log store, as it should be and with either fsync missing.
describe.skipIf(!canFuse() || !peer('nbdfuse', 'fusermount3', 'python3'))('a log store', () => {
  function search(name: string, ...forgotten: string[]): Promise<Report> {
    return crashTest(world, name, {
      size: '1M',
      run: program('log-append.py', '"$INTERPOSER_DISK"', ...forgotten),
      check: program('log-check.py', '"$INTERPOSER_IMAGE"', '"$INTERPOSER_PROMISES"'),
    });
  }

  it('survives all power cuts', async () => {
    const report = await search('log store');
    expect(report.failures).toEqual([]);
    // All of them, not only some.
    expect(report).toMatchObject({ ended: 'complete', bounded: false });
  });

  it('counts a record that is not there, without the fsync between both', async () => {
    const { failures } = await search('log store without the fsync of records', 'record');
    expect(failures).toHaveLength(1);
    expect(failures[0]!.message).toMatch(/record (\d+) of \1 is damaged/);
    // The count came through, and nothing else.
    expect(failures[0]!.kept).toMatchObject([{ sector: 0, count: 1 }]);

    const again = await world.run(['crash-test', 'replay', failures[0]!.file]);
    expect(again.code).toBe(1);
    expect(again.stdout + again.stderr).toMatch(/record (\d+) of \1 is damaged/);
  });

  it('loses a record that it told of, without the fsync of the count', async () => {
    const { failures } = await search('log store without the fsync of counts', 'count');
    expect(failures).toHaveLength(1);
    expect(failures[0]!.message).toMatch(/\d+ records were told, \d+ are there/);
    // With none of the writes that were not stable.
    expect(failures[0]!.kept).toEqual([]);
  });
});
