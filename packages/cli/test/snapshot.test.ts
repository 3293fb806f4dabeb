import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { byteAt, fill, SnapshotFolder } from './snapshot-folder.ts';
import { tempDirectory } from './temp.ts';

const root = tempDirectory();

let folder: SnapshotFolder;

beforeEach(() => {
  folder = new SnapshotFolder(root);
});

function cells(text: string): string[][] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
}

describe('snapshot create', () => {
  it('makes a store beside the image, which goes with the snapshot', async () => {
    const bench = folder.bench();
    expect(await bench.ok('snapshot', 'create', folder.image)).toBe('image-snap\n');
    expect(statSync(folder.store).mode & 0o777).toBe(0o600);
    await fill(bench, folder.image, 3, 9);
    expect(await byteAt(bench, 'image-snap', 3)).toBe(1);
    const [headings, row] = cells(await bench.ok('snapshot', 'ls'));
    expect(headings).toEqual(['NAME', 'DEVICE', 'STATE', 'USED', 'STORE']);
    expect(row).toEqual([
      'image-snap',
      folder.image,
      'active',
      expect.stringMatching(/^\d+ %$/),
      folder.store,
    ]);
    await bench.ok('snapshot', 'remove', 'image-snap');
    expect(existsSync(folder.store)).toBe(false);
    expect(await byteAt(bench, folder.image, 3)).toBe(9);
    expect(await bench.ok('snapshot', 'ls')).toBe('No snapshots found\n');
  });

  it('makes one beside the image that a mapped device stands on', async () => {
    const bench = await folder.benchWithDisk();
    expect(await bench.ok('snapshot', 'create', 'disk', '--name', 'named')).toBe('named\n');
    expect(existsSync(join(folder.path, 'named.cow'))).toBe(true);
    await bench.ok('snapshot', 'remove', 'named');
  });

  it('makes one where the user keeps states for what stands on no image', async () => {
    vi.stubEnv('XDG_STATE_HOME', join(folder.path, 'state'));
    const bench = folder.bench();
    await bench.ok('create', 'memory', '--table', '0 64 linear ram:1M 0');
    await bench.ok('snapshot', 'create', 'memory');
    expect(existsSync(join(folder.path, 'state', 'interposer', 'memory-snap.cow'))).toBe(true);
    vi.unstubAllEnvs();
  });

  it('makes the file that is named, which stays', async () => {
    const bench = await folder.benchWithDisk();
    const path = join(folder.path, 'named.cow');
    const args = ['--store', 'named.cow', '--size', '64K', '--chunk', '16'];
    const answer = await bench.ok('snapshot', 'create', 'disk', ...args, '--json');
    expect(JSON.parse(answer)).toMatchObject([
      { name: 'disk-snap', store: path, chunk: 16, size: 128, auto: false },
    ]);
    await bench.ok('snapshot', 'remove', 'disk-snap');
    expect(statSync(path).size).toBe(65_536);
  });

  it('takes several devices at once', async () => {
    const bench = await folder.benchWithDisk();
    await bench.ok('create', 'log', '--table', '0 64 linear ram:1M 0');
    const options = ['--name', 'a', '--store', 'auto', '--name', 'b', '--store', 'ram:1M', '--transient'];
    expect(await bench.ok('snapshot', 'create', 'disk', 'log', ...options)).toBe('a\nb\n');
    const infos = await bench.connect().snapshots();
    expect(infos).toMatchObject([
      { name: 'a', device: 'disk', auto: true, persistent: false },
      { name: 'b', device: 'log', auto: false },
    ]);
  });

  it.each([
    [['disk', '--store', 'a', '--store', 'b'], 'EINVAL: give --store once for each device: 1 times'],
    [['disk', 'other', '--name', 'x'], 'EINVAL: give --name once for each device: 2 times'],
    [['nosuch'], 'ENOENT'],
    [['disk', '--chunk', '7'], 'EINVAL: '],
    [['disk', '--chunk', 'many'], 'EINVAL: --chunk many'],
    [['disk', '--size', '1000'], 'EINVAL: --size 1000'],
    [['disk', '--size', '4K'], 'ENOSPC: '],
    [['disk', '--store', 'ram:1M', '--size', '1M'], 'EINVAL: ram:1M is there'],
    [['disk', '--store', 'nowhere:1'], 'EEXIST'],
  ])('%j is refused, and no file is left', async (args, text) => {
    const bench = await folder.benchWithDisk();
    writeFileSync(join(folder.path, 'nowhere:1'), Buffer.alloc(65_536, 0));
    const before = folder.files;
    if (text === 'EEXIST') {
      await bench.ok('snapshot', 'create', 'disk', '--store', 'nowhere:1', '--name', 'first');
      await bench.ok('snapshot', 'remove', 'first');
    }
    const { code, stdout, stderr } = await bench.run(['snapshot', 'create', ...args]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(text);
    expect(folder.files).toEqual(before);
    expect((await bench.connect().list()).map(({ name }) => name)).toEqual(['disk']);
  });

  it('leaves a file of that name alone', async () => {
    const bench = folder.bench();
    writeFileSync(folder.store, 'precious');
    const { stderr } = await bench.run(['snapshot', 'create', folder.image]);
    expect(stderr).toContain('EEXIST');
    expect(readFileSync(folder.store, 'utf8')).toBe('precious');
  });
});

describe('snapshot open', () => {
  it('brings up what was before a restart', async () => {
    const before = folder.bench();
    await before.ok('snapshot', 'create', folder.image);
    await fill(before, folder.image, 3, 9);
    await before.host.close();
    const bench = folder.bench();
    const { stderr } = await bench.run(['snapshot', 'create', folder.image]);
    expect(stderr).toContain(`EEXIST: ${folder.store} is there already`);
    expect(await bench.ok('snapshot', 'open', folder.image)).toBe('image-snap\n');
    expect(await byteAt(bench, 'image-snap', 3)).toBe(1);
    await bench.ok('snapshot', 'remove', 'image-snap');
    expect(existsSync(folder.store)).toBe(false);
  });

  it('keeps a store that was named, also when it is merged', async () => {
    const before = folder.bench();
    await before.ok('snapshot', 'create', folder.image);
    await fill(before, folder.image, 3, 9);
    await before.host.close();
    const bench = folder.bench();
    await bench.ok('snapshot', 'open', folder.image, '--store', folder.store, '--name', 'old', '--merge');
    expect(await byteAt(bench, folder.image, 3)).toBe(1);
    expect(await bench.ok('snapshot', 'ls')).toBe('No snapshots found\n');
    expect(existsSync(folder.store)).toBe(true);
  });

  it('is refused without a store', async () => {
    const { code, stderr } = await folder.bench().run(['snapshot', 'open', folder.image]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('ENOENT') as string });
  });
});

describe('snapshot export', () => {
  it('serves a snapshot, read-only unless it is to be written to', async () => {
    const bench = await folder.benchWithDisk();
    await bench.ok('snapshot', 'create', 'disk');
    const [first, second] = ['1', '2'].map((end) => join(folder.path, end));
    await bench.ok('snapshot', 'export', 'disk-snap', '--unix', first!);
    await bench.ok(
      'snapshot',
      'export',
      '/dev/mapper/disk-snap',
      '--as',
      'w',
      '--unix',
      second!,
      '--writable',
    );
    expect(await bench.connect().exports()).toMatchObject([
      { name: 'disk-snap', readOnly: true },
      { name: 'w', readOnly: false },
    ]);
    for (const verb of ['remove', 'merge']) {
      const { stderr } = await bench.run(['snapshot', verb, 'disk-snap']);
      expect(stderr).toMatch(/EBUSY: .*exported as "disk-snap" \(export rm\), exported as "w"/);
    }
    const { stderr } = await bench.run(['snapshot', 'export', 'disk', '--unix', first!]);
    expect(stderr).toContain('ENXIO: there is no snapshot disk');
  });
});
