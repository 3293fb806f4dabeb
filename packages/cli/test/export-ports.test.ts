import { describe, expect, it } from 'vitest';
import { Workbench } from './in-process.ts';
import { tempDirectory } from './temp.ts';

const directory = tempDirectory();

/** Exports `a` on any free port; answers which. */
async function exportAnywhere(bench: Workbench, ...options: string[]): Promise<string> {
  const uri = await bench.ok('export', 'add', 'a', '--port', '0', ...options);
  return /:(\d+)\//.exec(uri)![1]!;
}

describe('exports on free ports', () => {
  it('are each listed and taken away, in whatever order they come and go', async () => {
    const bench = new Workbench(directory);
    await bench.ok('create', 'a', '--table', '0 8 zero');
    await exportAnywhere(bench, '--as', 'first');
    await exportAnywhere(bench, '--as', 'second');
    await bench.ok('export', 'rm', 'first');
    await exportAnywhere(bench, '--as', 'third');
    expect((await bench.ok('export', 'ls')).match(/second|third/g)).toEqual([
      'second',
      'second',
      'third',
      'third',
    ]);
    await bench.ok('export', 'rm', 'second');
    await bench.ok('export', 'rm', 'third');
    await bench.ok('remove', 'a');
  });

  it('are told apart, and joined, by the port that they got', async () => {
    const bench = new Workbench(directory);
    await bench.ok('create', 'a', '--table', '0 8 zero');
    const ports = [await exportAnywhere(bench), await exportAnywhere(bench)];
    const { stderr } = await bench.run(['export', 'rm', 'a']);
    for (const port of ports) expect(stderr).toContain(`127.0.0.1:${port}`);
    await bench.ok('export', 'add', 'a', '--as', 'b', '--port', ports[0]!);
    for (const port of ports) await bench.ok('export', 'rm', 'a', '--port', port);
    await bench.ok('export', 'rm', 'b');
    expect(await bench.ok('export', 'ls')).toBe('No exports found\n');
  });
});
