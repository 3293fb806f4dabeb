import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { Workbench } from './in-process.ts';
import { makeImage, tempDirectory } from './temp.ts';

const directory = tempDirectory();
/** Where the files are: relative paths in them start there, and commands are called elsewhere. */
const folder = join(directory, 'folder');
let bench: Workbench;

beforeEach(() => {
  mkdirSync(folder, { recursive: true });
  makeImage(folder, 'disk.img', 64);
  bench = new Workbench(directory);
});

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

async function stacks(): Promise<string[]> {
  const filters = await bench.connect().filters();
  return filters.map(({ device, type, altitude }) => `${device} ${type}@${altitude}`);
}

describe('apply', () => {
  const edits = `
- attach: { device: disk.img, filter: throttle iops=70 }
- swap: { device: cover, old: error, new: stats }
- reload: { device: cover, table: 0 64 linear disk.img 0 noexcl }
- remap: { mapped: cover, device: disk.img }
- detach: { device: cover, filter: 9 }
`;

  beforeEach(async () => {
    await bench.ok('create', 'cover', '--table', '0 64 zero');
    await bench.ok('filter', 'attach', 'cover', 'error');
    await bench.ok('filter', 'attach', 'cover', 'stats@9');
  });

  it('does all edits of a file and says so, without arguments that may be secret', async () => {
    expect(await bench.ok('apply', write('edits.yaml', edits))).toBe(
      'attached throttle to disk.img\nswapped error for stats on cover\nreloaded cover\n' +
        'remapped disk.img to cover\ndetached 9 from cover\n',
    );
    const image = join(folder, 'disk.img');
    expect(await stacks()).toEqual([
      'cover stats@140000',
      `${image} throttle@340000`,
      `${image} remap@200000`,
    ]);
    const answer = await bench.ok('apply', write('undo.yaml', '[{ unremap: { mapped: cover } }]'));
    expect(answer).toBe('ended the remap to cover\n');
  });

  it('takes standard input; relative paths are those of the user then', async () => {
    const { code, stdout } = await bench.run(['apply', '-', '--json'], { stdin: edits, cwd: folder });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual([
      { kind: 'attach', device: 'disk.img', filter: 'throttle' },
      { kind: 'swap', device: 'cover', old: 'error', new: 'stats' },
      { kind: 'reload', device: 'cover' },
      { kind: 'remap-start', mapped: 'cover', device: 'disk.img' },
      { kind: 'detach', device: 'cover', filter: '9' },
    ]);
    expect(await stacks()).toHaveLength(3);
  });

  it.each([
    [
      'an edit that cannot be',
      '- detach: { device: cover, filter: throttle }',
      /^interposer: ENOENT: edit 6, detach: no filter throttle on cover/,
    ],
    ['a device that is not there', '- attach: { device: no.img, filter: stats }', /^interposer: ENOENT: /],
    ['an unknown key', '- atach: {}', /^interposer: EINVAL: stdin:\d+:\d+: .*atach/],
    ['no YAML', '- [', /^interposer: EINVAL: stdin:\d+:\d+: /],
    ['a variable that is not defined', '- unremap: { mapped: $' + '{NO} }', /^interposer: EINVAL: stdin:/],
  ])('with %s changes nothing', async (_what, edit, reason) => {
    const before = await stacks();
    const { code, stdout, stderr } = await bench.run(['apply', '-'], {
      stdin: `${edits}${edit}`,
      cwd: folder,
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(reason);
    expect(await stacks()).toEqual(before);
  });

  it('of a file that is not there is refused', async () => {
    expect((await bench.run(['apply', 'nosuch.yaml'])).stderr).toMatch(/^interposer: ENOENT: .*nosuch\.yaml/);
  });
});

describe('up and down', () => {
  const stack = `version: 1
devices:
  upper: { table: 0 64 linear lower 0 }
  lower: { table: 0 64 linear disk.img 0 }
filters:
  upper: [throttle iops=5]
rules:
  - { pattern: low*, filter: stats }
exports:
  - { device: upper, unix: upper.sock }
`;
  const socket = join(folder, 'upper.sock');
  const items = [
    'rule low*: stats',
    'device lower',
    'device upper',
    'filter throttle on upper',
    `export upper on ${socket}`,
  ];
  const lines = (outcome: string, labels: readonly string[]): string =>
    labels.map((label) => `${outcome} ${label}\n`).join('');

  it('make what is missing, keep what is there, and take all of it away', async () => {
    const file = write('stack.yaml', stack);
    expect(await bench.ok('up', file)).toBe(lines('made', items));
    expect(existsSync(socket)).toBe(true);
    expect(await bench.ok('up', 'folder/stack.yaml')).toBe(lines('kept', items));
    await bench.ok('filter', 'detach', 'upper', 'throttle');
    const steps = JSON.parse(await bench.ok('up', file, '--json')) as { label: string; outcome: string }[];
    expect(steps.map(({ outcome }) => outcome)).toEqual(['kept', 'kept', 'kept', 'made', 'kept']);
    expect(steps[1]).toEqual({ label: 'device lower', path: 'devices.lower', outcome: 'kept' });
    expect(await bench.ok('down', file)).toBe(lines('removed', items.toReversed()));
    expect(await bench.ok('down', file)).toBe(lines('skipped', items.toReversed()));
    expect([await bench.ok('device', 'ls'), existsSync(socket)]).toEqual(['No devices found\n', false]);
  });

  it('undo what was made when an item cannot be', async () => {
    const file = write('bad.yaml', stack.replace('throttle iops=5', 'throttle iops=many'));
    const { code, stdout, stderr } = await bench.run(['up', file]);
    expect(code).toBe(1);
    expect(stdout).toBe(
      lines('made', items.slice(0, 3)) + lines('taken back', items.slice(0, 3).toReversed()),
    );
    expect(stderr).toMatch(/^interposer: EINVAL: \S+bad\.yaml:6:\d+: filter throttle on upper: /);
    expect(await bench.ok('device', 'ls')).toBe('No devices found\n');
    const asJson = await bench.run(['up', file, '--json']);
    expect(asJson.stdout).toBe('');
    expect(JSON.parse(asJson.stderr)).toMatchObject({ error: { code: 'EINVAL' } });
  });

  it('refuse what differs, and what is in use', async () => {
    const file = write('stack.yaml', stack);
    await bench.ok('create', 'lower', '--table', '0 64 zero');
    expect((await bench.run(['up', file])).stderr).toMatch(
      /^interposer: EEXIST: .*device lower is not as in/,
    );
    await bench.ok('remove', 'lower');
    await bench.ok('up', file);
    const port = await bench.host.engine.open('upper', { claim: 'noexcl', holder: 'somebody' });
    const { code, stdout, stderr } = await bench.run(['down', file]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^interposer: EBUSY: .*device upper: upper is open: somebody/);
    expect(stdout).toBe(lines('removed', [items[4]!, items[3]!]) + lines('removed', [items[0]!]));
    port.close();
    await bench.ok('down', file);
  });

  it('say where a file is wrong, and where there is none', async () => {
    const wrong = await bench.run(['up', write('wrong.yaml', 'version: 1\ndevises: {}\n')]);
    expect(wrong.stderr).toMatch(/^interposer: EINVAL: \S+wrong\.yaml:2:1: unknown key "devises"/);
    for (const verb of ['up', 'down']) {
      expect((await bench.run([verb])).stderr).toMatch(/^interposer: ENOENT: .*interposer\.yaml/);
    }
  });
});

describe('status --stack', () => {
  it('compares each item, and the exit code tells whether all is present', async () => {
    const file = write(
      'status.yaml',
      'version: 1\ndevices:\n  d: { table: 0 64 linear disk.img 0 }\nfilters:\n  d: [throttle iops=5]\n',
    );
    expect(await bench.run(['status', '--stack', file])).toEqual({
      code: 1,
      stdout: 'STATE   ITEM\nabsent  device d\nabsent  filter throttle on d\n',
      stderr: '',
    });
    await bench.ok('up', file);
    expect(await bench.ok('status', '--stack', file)).toBe(
      'STATE    ITEM\npresent  device d\npresent  filter throttle on d\n',
    );
    await bench.ok('filter', 'swap', 'd', 'throttle', 'throttle iops=6');
    expect(await bench.run(['status', '--stack', file])).toMatchObject({
      code: 1,
      stdout:
        'STATE    ITEM\npresent  device d\ndiffers  filter throttle on d\n' +
        '           file:    throttle iops=5\n           running: throttle iops=6\n',
    });
    const { code, stdout } = await bench.run(['status', '--stack', file, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual([
      { label: 'device d', path: 'devices.d', state: 'present' },
      {
        label: 'filter throttle on d',
        path: 'filters.d[0]',
        state: 'differs',
        difference: { wanted: 'throttle iops=5', running: 'throttle iops=6' },
      },
    ]);
    expect(await bench.ok('status')).toBe('d: 0 64 linear \n');
    expect((await bench.run(['status', 'd', '--stack', file])).stderr).toContain('not both');
    expect((await bench.run(['status', '--stack', 'nosuch'])).stderr).toContain('ENOENT');
    await bench.ok('down', file);
  });
});
