import { readFileSync, writeFileSync } from 'node:fs';
import { readTrace } from '@interposer/filter-trace';
import { beforeAll, describe, expect, it } from 'vitest';
import { LatencyHistogram } from '../src/verbs/trace-latencies.ts';
import { Workbench } from './in-process.ts';
import { tempDirectory } from './temp.ts';
import { reads, record, recordFew } from './trace-files.ts';

const directory = tempDirectory();
const bench = (): Workbench => new Workbench(directory);

beforeAll(() => recordFew(directory));

describe('trace show --summary', () => {
  it('adds up', async () => {
    expect(await bench().ok('trace', 'show', 'few.trace', '--summary')).toBe(
      [
        'slow, 2048 sectors, from 2026-01-02T03:04:05.006Z\n',
        'every request: 5 recorded, 7 dropped, in 1.502591250 seconds\n',
        '\n',
        'OP            COUNT  BYTES    ERRORS  SEQUENTIAL  P50       P90       P99       P99.9     MAX\n',
        'read          1      4096     1       0.0 %       10.000    10.000    10.000    10.000    10.000\n',
        'write         1      4096     0       0.0 %       10.000    10.000    10.000    10.000    10.000\n',
        'flush         1      0        0       -           10.000    10.000    10.000    10.000    10.000\n',
        'discard       1      1048576  1       0.0 %       2560.000  2560.000  2560.000  2560.000  2560.000\n',
        'write-zeroes  1      512      1       0.0 %       1.250     1.250     1.250     1.250     1.250\n',
        '\n',
        'Latencies are microseconds, within 1 %.\n',
      ].join(''),
    );
  });

  it('knows what is sequential, also where requests end in another order', async () => {
    const path = await record(directory, 'order.trace', '', async (port) => {
      await reads(port, 10);
      await reads(port, 5, 16);
    });
    // The same records, the last first.
    const bytes = readFileSync(path);
    const { headerSize } = (await readTrace(path)).header;
    const records = Array.from({ length: 15 }, (_, i) => bytes.subarray(headerSize + i * 48).subarray(0, 48));
    writeFileSync(path, Buffer.concat([bytes.subarray(0, headerSize), ...records.reverse()]));
    const summary = JSON.parse(await bench().ok('trace', 'show', 'order.trace', '--summary', '--json'));
    expect(summary).toMatchObject({ records: 15, ops: { read: { count: 15, sequential: 9 / 15 } } });
  });

  it('knows it across a gap', async () => {
    const path = await record(directory, 'gap.trace', '', (port) => reads(port, 9000));
    const bytes = readFileSync(path);
    const { headerSize } = (await readTrace(path)).header;
    const [before, after] = [headerSize + 100 * 48, headerSize + 200 * 48];
    writeFileSync(path, Buffer.concat([bytes.subarray(0, before), bytes.subarray(after)]));
    const summary = JSON.parse(await bench().ok('trace', 'show', 'gap.trace', '--summary', '--json'));
    // Every 250th goes back to the beginning; one has lost the one before it.
    const breaks = 1 + Math.floor(8999 / 250) + 1;
    expect(summary.ops.read.sequential).toBeCloseTo((8900 - breaks) / 8900, 10);
  });

  it('does not guess what a sample leaves out', async () => {
    await record(directory, 'sample.trace', 'sample=10', (port) => reads(port, 100));
    const text = await bench().ok('trace', 'show', 'sample.trace', '--summary');
    expect(text).toContain('one request in 10: 10 recorded, 0 dropped, in ');
    expect(text).toMatch(/^read +10 +40960 +0 +- +10\.000 /m);
  });

  it('is short where nothing happened', async () => {
    await record(directory, 'empty.trace', '', async () => undefined);
    const text = await bench().ok('trace', 'show', 'empty.trace', '--summary');
    expect(text).toMatch(
      /^slow, 2048 sectors, from .*\nevery request: 0 recorded, 0 dropped, in 0\.000000000 seconds\n$/,
    );
  });
});

describe('percentiles of latencies', () => {
  it('are within 1 % of the exact ones', () => {
    const histogram = new LatencyHistogram();
    const times = Array.from({ length: 5000 }, (_, i) => Math.floor(1.006 ** i) + (i % 97));
    for (const time of times) histogram.add(time);
    times.sort((a, b) => a - b);
    for (const percent of [0.02, 1, 10, 50, 90, 99, 99.9, 100]) {
      const exact = times[Math.ceil((percent / 100) * times.length) - 1]!;
      expect(Math.abs(histogram.percentile(percent) - exact)).toBeLessThanOrEqual(exact / 100);
    }
    expect(histogram.max).toBe(times.at(-1));
  });
});
