import { describe, expect, it } from 'vitest';
import { parseStack, planUp } from '../src/index.ts';

function plan(text: string): string[] {
  return planUp(parseStack(text, { file: 's.yaml', environment: {} })).map(({ path }) => path);
}

/** Numbers below a bound, the same for a seed: a linear congruential generator. */
function numbers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** Devices in a random order; each stands on some of those of a lower number. */
function randomStack(seed: number): { text: string; below: Map<string, string[]> } {
  const random = numbers(seed);
  const below = new Map<string, string[]>();
  const count = 1 + random(12);
  for (let index = 0; index < count; index++) {
    const lower = [...below.keys()].filter(() => random(3) === 0);
    below.set(`d${String(index)}`, lower);
  }
  const shuffled = [...below].map((entry) => [random(1000), entry] as const).sort(([a], [b]) => a - b);
  const lines = shuffled.map(([, [name, lower]]) => {
    const rows = lower.map((one, index) => {
      const word = random(2) === 0 ? one : `/dev/mapper/${one}`;
      return `${String(index * 8)} 8 linear ${word} 0`;
    });
    return `  ${name}: { table: ${JSON.stringify([...rows, `${String(rows.length * 8)} 8 zero`])} }`;
  });
  return { text: `version: 1\ndevices:\n${lines.join('\n')}\n`, below };
}

describe('the plan of a stack', () => {
  it('makes every device once, behind all that its table names', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const { text, below } = randomStack(seed);
      const order = plan(text).map((path) => path.replace('devices.', ''));
      expect([...order].sort()).toEqual([...below.keys()].sort());
      for (const [name, lower] of below) {
        for (const one of lower) expect(order.indexOf(one), text).toBeLessThan(order.indexOf(name));
      }
    }
  });

  it('keeps the order of the file where nothing asks for another', () => {
    const devices =
      '  b: { table: 0 8 zero }\n  a: { table: 0 8 linear c 0 }\n  d: { table: 0 8 zero }\n  c: { table: 0 8 zero }\n';
    expect(plan(`version: 1\ndevices:\n${devices}`)).toEqual([
      'devices.b',
      'devices.c',
      'devices.a',
      'devices.d',
    ]);
  });

  it('makes rules before devices, and filters, remaps and exports after them', () => {
    const text =
      'version: 1\nexports: [{ device: a, unix: s }]\nremaps: { a: x }\nfilters: { a: [stats] }\n' +
      'devices: { a: { table: 0 8 zero } }\nrules: [{ pattern: a, filter: stats }]\n';
    expect(plan(text)).toEqual(['rules[0]', 'devices.a', 'filters.a[0]', 'remaps.a', 'exports[0]']);
  });

  it.each([
    ['a -> a', '  a: { table: 0 8 linear a 0 }\n', '3:3'],
    [
      'b -> c -> d -> b',
      '  a: { table: 0 8 linear b 0 }\n  b: { table: 0 8 linear c 0 }\n  c: { table: 0 8 linear /dev/mapper/d 0 }\n  d: { table: 0 8 linear b 0 }\n',
      '4:3',
    ],
  ])('refuses the circle %s', (circle, devices, where) => {
    expect(() => plan(`version: 1\ndevices:\n${devices}`)).toThrow(
      expect.objectContaining({
        code: 'ELOOP',
        message: `s.yaml:${where}: the tables of these devices name one another in a circle: ${circle}`,
      }) as Error,
    );
  });
});
