import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Workbench } from './in-process.ts';
import { makeImage, tempDirectory } from './temp.ts';

const directory = tempDirectory();

/** A bench with an image of 64 sectors that is open, and a mapped device over it that stands in for nothing yet. */
async function withImage(name: string): Promise<{ bench: Workbench; image: string }> {
  const bench = new Workbench(directory);
  const image = makeImage(directory, name, 64);
  await bench.ok('create', 'cover', '--table', `0 64 linear ${name} 0 noexcl`);
  return { bench, image };
}

/** A table with blanks squeezed, line by line. */
function cells(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().replace(/ +/g, ' '));
}

describe('filter swap', () => {
  it('puts one in the place of another', async () => {
    const { bench } = await withImage('swap.img');
    await bench.ok('filter', 'attach', 'cover', 'error@150000');
    expect(await bench.ok('filter', 'swap', 'cover', 'error', 'throttle iops=7')).toBe('throttle@150000\n');
    const answer = await bench.ok(
      'filter',
      'swap',
      'cover',
      '150000',
      'throttle@9',
      'iops=8',
      'burst=2',
      '--json',
    );
    expect(JSON.parse(answer)).toMatchObject({ device: 'cover', type: 'throttle', altitude: '9' });
    expect(cells(await bench.ok('filter', 'ls'))[1]).toMatch(/^cover 9 throttle iops=8 burst=2 /);
  });

  it.each([
    [['cover', 'throttle', 'error'], 'ENOENT: no filter throttle on cover'],
    [['cover', 'error', 'nosuch'], 'EINVAL: unknown filter type "nosuch"'],
    [['cover', 'error', 'stats@450000'], 'EBUSY: altitude 450000 on cover is taken by stats'],
    [['nosuch', 'error', 'stats'], 'ENOENT: there is no file'],
  ])('%j is refused, and the old one stays', async (words, reason) => {
    const { bench } = await withImage('swap.img');
    await bench.ok('filter', 'attach', 'cover', 'error');
    await bench.ok('filter', 'attach', 'cover', 'stats');
    const { code, stdout, stderr } = await bench.run(['filter', 'swap', ...words]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(reason);
    expect(cells(await bench.ok('filter', 'ls')).slice(1)).toEqual([
      expect.stringMatching(/^cover 450000 stats/),
      'cover 140000 error',
    ]);
  });
});

describe('filter status', () => {
  it('has a line for each filter', async () => {
    const { bench, image } = await withImage('status.img');
    expect(await bench.ok('filter', 'status')).toBe('No filters found\n');
    await bench.ok('filter', 'attach', 'cover', 'throttle iops=7');
    await bench.ok('filter', 'attach', 'cover', 'throttle@5 iops=8');
    await bench.ok('filter', 'attach', 'status.img', 'error');
    const line = (device: string, rest: string): string => `${device}: ${rest}\n`;
    const idle = 'held=0 passed=0 delayed=0 delay-ms=0';
    const high = line('cover', `340000 throttle ${idle}`);
    const low = line('cover', `5 throttle ${idle}`);
    expect(await bench.ok('filter', 'status')).toBe(high + low + line(image, '140000 error'));
    expect(await bench.ok('filter', 'status', 'cover')).toBe(high + low);
    expect(await bench.ok('filter', 'status', 'cover', 'throttle')).toBe(high + low);
    expect(await bench.ok('filter', 'status', 'cover', '5.0')).toBe(low);
    expect(await bench.ok('filter', 'status', 'cover', 'throttle@340000')).toBe(high);
    expect(JSON.parse(await bench.ok('filter', 'status', 'cover', '5', '--json'))).toEqual([
      { device: 'cover', type: 'throttle', altitude: '5', args: 'iops=8', status: idle },
    ]);
  });

  it.each([
    [['cover', 'error'], 'ENOENT: no filter error on cover'],
    [['cover', 'throttle@6'], 'ENOENT: no filter throttle@6 on cover'],
    [['cover', 'throttle@x'], 'EINVAL: altitude "x"'],
    [['nosuch'], 'ENOENT'],
  ])('%j is refused', async (words, reason) => {
    const { bench } = await withImage('status.img');
    await bench.ok('filter', 'attach', 'cover', 'throttle iops=7');
    const { code, stderr } = await bench.run(['filter', 'status', ...words]);
    expect(code).toBe(1);
    expect(stderr).toContain(reason);
  });
});

describe('filter message', () => {
  it('answers, and says which messages there are', async () => {
    const { bench } = await withImage('message.img');
    await bench.ok('filter', 'attach', 'cover', 'stats');
    await bench.ok('flush', 'cover');
    expect(JSON.parse(await bench.ok('filter', 'message', 'cover', 'stats', 'json'))).toBeTypeOf('object');
    expect(await bench.ok('filter', 'message', 'cover', '450000', 'clear')).toBe('');
    expect((await bench.run(['filter', 'message', 'cover', 'stats', 'dance'])).stderr).toMatch(
      /^interposer: EINVAL: .*messages: /,
    );
    await bench.ok('filter', 'attach', 'cover', 'error');
    expect((await bench.run(['filter', 'message', 'cover', 'error', 'x'])).stderr).toContain('ENOTTY');
    expect((await bench.run(['filter', 'message', 'cover', 'nosuch', 'x'])).stderr).toContain('ENOENT');
    expect((await bench.run(['filter', 'message', 'cover', 'stats'])).stderr).toContain(
      'Incorrect number of arguments.',
    );
  });
});

describe('filter rule', () => {
  it('gives new devices their filters until it is forgotten', async () => {
    const bench = new Workbench(directory);
    expect(await bench.ok('filter', 'rule', 'ls')).toBe('No rules found\n');
    expect(await bench.ok('filter', 'rule', 'add', 'vm-*', 'throttle', 'iops=5')).toBe('1\n');
    const answer = await bench.ok('filter', 'rule', 'add', '*', 'stats@7', '--json');
    expect(JSON.parse(answer)).toEqual({ id: 2, pattern: '*', filter: 'stats@7' });
    expect(await bench.ok('filter', 'rule', 'ls')).toBe(
      'ID  PATTERN  FILTER\n 1  vm-*     throttle iops=5\n 2  *        stats@7\n',
    );
    await bench.ok('create', 'vm-1', '--table', '0 8 zero');
    await bench.ok('filter', 'rule', 'rm', '2');
    await bench.ok('create', 'vm-2', '--table', '0 8 zero');
    const filters = (await bench.connect().filters()).map(({ device, type }) => `${device} ${type}`);
    expect(filters).toEqual(['vm-1 throttle', 'vm-1 stats', 'vm-2 throttle']);
  });

  it.each([
    [['add', '*', 'nosuch'], 'EINVAL: unknown filter type "nosuch"'],
    [['add', '', 'stats'], 'EINVAL: the pattern is empty'],
    [['rm', '7'], 'ENOENT: there is no rule 7'],
    [['rm', 'stats'], 'EINVAL: rule "stats" is no number'],
    [['add', '*'], 'Incorrect number of arguments.'],
    [['juggle'], 'Unknown command.'],
  ])('%j is refused', async (words, reason) => {
    const { code, stderr } = await new Workbench(directory).run(['filter', 'rule', ...words]);
    expect(code).toBe(1);
    expect(stderr).toContain(reason);
  });
});

describe('remap', () => {
  it('starts, is listed, and is finished', async () => {
    const { bench, image } = await withImage('remap.img');
    await bench.ok('create', 'other', '--table', '0 64 zero');
    expect(await bench.ok('remap', 'ls')).toBe('No remaps found\n');
    expect(await bench.ok('remap', 'start', 'cover', 'remap.img')).toBe('remap@200000\n');
    const nested = await bench.ok('remap', 'start', '--altitude', '7.5', '254:1', image, '--json');
    expect(JSON.parse(nested)).toEqual({ mapped: 'other', device: image, altitude: '7.5' });
    expect(cells(await bench.ok('remap', 'ls'))).toEqual([
      'MAPPED DEVICE ALTITUDE',
      `cover ${image} 200000`,
      `other ${image} 7.5`,
    ]);
    await bench.ok('remap', 'finish', '/dev/mapper/other');
    await bench.ok('remap', 'finish', 'cover');
    expect(await bench.ok('remap', 'ls')).toBe('No remaps found\n');
  });

  it.each([
    [['start', 'nosuch', 'refused.img'], 'ENXIO: no mapped device nosuch'],
    [['start', '254:9', 'refused.img'], 'Device 254:9 not found'],
    [['start', 'cover', 'nosuch.img'], 'ENOENT'],
    [['start', 'small', 'refused.img'], 'EINVAL'],
    [['start', 'cover', 'cover'], 'ELOOP'],
    [['start', '--altitude', 'high', 'cover', 'refused.img'], 'EINVAL: altitude "high"'],
    [['finish', 'cover'], 'EINVAL: cover stands in for no device'],
    [['start', 'cover'], 'Incorrect number of arguments.'],
  ])('%j is refused', async (words, reason) => {
    const { bench } = await withImage('refused.img');
    await bench.ok('create', 'small', '--table', '0 8 zero');
    const { code, stdout, stderr } = await bench.run(['remap', ...words]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(reason);
    expect(await bench.ok('remap', 'ls')).toBe('No remaps found\n');
  });
});

describe('device', () => {
  it('ls shows every device', async () => {
    const { bench, image } = await withImage('ls.img');
    expect(await new Workbench(directory).ok('device', 'ls')).toBe('No devices found\n');
    await bench.ok('create', 'frozen', '--readonly', '--table', '0 8 zero');
    await bench.ok('filter', 'attach', 'ls.img', 'stats');
    expect(cells(await bench.ok('device', 'ls'))).toEqual([
      'NAME NUMBER DRIVER SECTORS MODE OPEN FILTERS',
      'cover 254:0 table 64 rw 0 0',
      'frozen 254:1 table 8 ro 0 0',
      `${image} 7:0 file 64 rw 1 1`,
    ]);
  });

  it('yank takes one away, and the others stay', async () => {
    const { bench } = await withImage('yank.img');
    const logs: string[] = [];
    bench.host.log = (message) => logs.push(message);
    await bench.ok('filter', 'attach', 'yank.img', 'stats');
    expect(await bench.ok('device', 'yank', 'yank.img')).toBe('');
    expect(logs).toEqual([`${join(directory, 'yank.img')} is lost: it was yanked`]);
    expect(cells(await bench.ok('device', 'ls'))).toHaveLength(2);
    expect((await bench.run(['zero', 'cover', '0', '8'])).stderr).toMatch(/^interposer: ENODEV: /);
    expect((await bench.run(['device', 'yank', 'yank.img'])).stderr).toMatch(/^interposer: ENXIO: /);
    await bench.ok('remove', 'cover');
  });
});

describe('targets --all', () => {
  it('has what is built in', async () => {
    expect(cells(await new Workbench(directory).ok('targets', '--all'))).toContain(
      'filter remap v1.0.0 built in',
    );
  });
});
