import { describe, expect, it } from 'vitest';
import { Workbench } from './in-process.ts';
import { tempDirectory } from './temp.ts';

const directory = tempDirectory();

describe('--json', () => {
  it.each([
    ['table', [{ name: 'd', rows: [{ start: 0, length: 8, type: 'zero', params: '' }] }]],
    ['status', [{ name: 'd', rows: [{ start: 0, length: 8, type: 'zero', params: '' }] }]],
    ['deps', [expect.objectContaining({ name: 'd', deps: [] })]],
    [
      'info',
      [expect.objectContaining({ name: 'd', major: 254, minor: 0, live: true, targets: 1, sectors: 8 })],
    ],
    ['info -c -o name,minor', [{ name: 'd', minor: 0 }]],
    ['ls', [expect.objectContaining({ name: 'd' })]],
    ['ls --tree', [expect.objectContaining({ name: 'd', deps: [] })]],
    [
      'targets',
      expect.objectContaining({
        problems: [],
        types: expect.arrayContaining([
          {
            kind: 'target',
            name: 'zero',
            version: [1, 2, 0],
            package: '@interposer/target-zero',
            packageVersion: '1.2.3',
          },
          { kind: 'filter', name: 'remap', version: [1, 0, 0], builtIn: true },
        ]),
      }),
    ],
    ['target-version zero', { kind: 'target', name: 'zero', version: [1, 2, 0] }],
    ['filter ls', []],
    ['filter status', []],
    ['filter rule ls', []],
    ['remap ls', []],
    [
      'device ls',
      [
        {
          name: 'd',
          major: 254,
          minor: 0,
          driver: 'table',
          sectors: 8,
          readOnly: false,
          openCount: 0,
          filters: 0,
        },
      ],
    ],
    ['export ls', []],
    ['explain d', expect.objectContaining({ sectors: 8 })],
    ['version', { library: '1.2.3', driver: '4.48.0' }],
  ])('%s', async (words, expected) => {
    const bench = new Workbench(directory);
    await bench.ok('create', 'd', '--table', '0 8 zero');
    expect(JSON.parse(await bench.ok(...words.split(' '), '--json'))).toEqual(expected);
  });

  it('errors are JSON too', async () => {
    const { code, stdout, stderr } = await new Workbench(directory).run(['info', 'nosuch', '--json']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({ error: { code: 'ENXIO', message: 'no mapped device nosuch' } });
  });
});
