import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { main } from '../src/cli/main.ts';

const FIXTURES = fileURLToPath(new URL('fixtures', import.meta.url));

async function run(...argv: string[]): Promise<{ code: number; lines: string[] }> {
  const lines: string[] = [];
  const code = await main(argv, (line) => lines.push(line), FIXTURES);
  return { code, lines };
}

describe('interposer-conformance', () => {
  it('runs every type of a module and exits with 0 when all cases pass', async () => {
    const { code, lines } = await run('./sound.ts', '--case', 'data: 8 blocks');
    expect(lines.at(-1)).toMatch(/^11 passed, 0 failed, 0 skipped \(seed 1\)$/);
    expect(lines.slice(0, -1).every((line) => line.startsWith('pass  '))).toBe(true);
    expect(lines.join()).toContain('target span > plain');
    expect(lines.join()).toContain('filter pass > stacked on itself');
    expect(code).toBe(0);
  });

  it('names what failed and why, and exits with 1', async () => {
    const { code, lines } = await run(
      './unsound.ts',
      '--filter',
      'stripes',
      '--case',
      'plain > failure: a flush',
    );
    expect(lines).toEqual([
      'FAIL  target stripes > plain > failure: a flush that fails below fails above: what failed below succeeded above',
      '0 passed, 1 failed, 0 skipped (seed 1)',
    ]);
    expect(code).toBe(1);
  });

  it('names each skipped case with its reason', async () => {
    const { lines } = await run('./sound.ts', '--filter', 'span', '--case', 'plain > undeclared: discard');
    expect(lines[0]).toMatch(/^skip {2}target span > plain > undeclared: discard .*needs: no discard$/);
  });

  it('says how to make a driver known, and does not exit with 0', async () => {
    const { code, lines } = await run('./unsound.ts', '--filter', 'memory');
    expect(lines[0]).toMatch(/^not run {2}driver memory: .*export conformance\.memory\.create/);
    expect(code).toBe(2);
  });

  it('takes the arguments of a target from --table', async () => {
    const table = ['--table', '{0} 16', '--case', 'plain > place'];
    const { lines } = await run('./sound.ts', '--filter', 'span', ...table);
    expect(lines.at(-1)).toMatch(/0 failed/);
    const refused = await run(
      './sound.ts',
      '--filter',
      'span',
      '--table',
      '{0} x',
      '--case',
      'plain > data: 8 blocks',
    );
    expect(refused.lines[0]).toMatch(/^FAIL.*"x" is not a whole decimal number/);
  });

  it('lists the cases without running them', async () => {
    const { code, lines } = await run('./sound.ts', '--list', '--filter', 'pass', '--case', 'plain > flush:');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^filter pass > plain > flush: /);
    expect(code).toBe(0);
  });

  it.each([
    [[], /exactly one MODULE/],
    [['./nowhere.ts'], /cannot load/],
    [['./sound.ts', '--filter', 'nobody'], /there are: pass, span/],
    [['./foreign.ts'], /filter "pass" was built for core interface 0; this core has 1/],
    [['./sound.ts', '--seed', 'x'], /no whole number/],
    [['./sound.ts', '--no-such-option'], /no-such-option/],
  ])('exits with 2 for %j', async (argv, message) => {
    const { code, lines } = await run(...argv);
    expect(lines[0]).toMatch(message);
    expect(code).toBe(2);
  });
});
