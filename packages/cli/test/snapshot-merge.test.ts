import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { byteAt, fill, SnapshotFolder } from './snapshot-folder.ts';
import { tempDirectory } from './temp.ts';

const root = tempDirectory();

let folder: SnapshotFolder;

beforeEach(() => {
  folder = new SnapshotFolder(root);
});

describe('snapshot merge', () => {
  it('brings back what was, tells how far it is, and deletes its store', async () => {
    const bench = await folder.benchWithDisk();
    await bench.ok('snapshot', 'create', 'disk');
    for (const sector of [0, 64, 128]) await fill(bench, 'disk', sector, 9);
    const { code, stdout, stderr } = await bench.run(['snapshot', 'merge', 'disk-snap']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/^disk-snap: merge \d+ %, \d\.\d of \d\.\d MiB\n/);
    expect(await byteAt(bench, 'disk', 64)).toBe(1);
    expect((await bench.connect().list()).map(({ name }) => name)).toEqual(['disk']);
    expect(existsSync(join(folder.path, 'disk-snap.cow'))).toBe(false);
  });

  it('writes lines of JSON', async () => {
    const bench = await folder.benchWithDisk();
    await bench.ok('snapshot', 'create', 'disk');
    await fill(bench, 'disk', 0, 9);
    const lines = (await bench.ok('snapshot', 'merge', 'disk-snap', '--json')).trimEnd().split('\n');
    const values = lines.map((line) => JSON.parse(line) as unknown);
    expect(values.at(0)).toMatchObject({ device: 'disk-snap', activity: 'merge', total: 8 });
    expect(values.at(-1)).toEqual({ device: 'disk', merged: 'disk-snap' });
  });

  it('comes to its end though nobody waits', async () => {
    const bench = await folder.benchWithDisk();
    await bench.ok('snapshot', 'create', 'disk');
    await fill(bench, 'disk', 0, 9);
    const client = bench.connect();
    const waiting = expect(client.mergeSnapshot('disk-snap', { wait: true })).rejects.toMatchObject({
      code: 'ESHUTDOWN',
    });
    await client.snapshots();
    client.close();
    await waiting;
    await bench.ok('wait', '--progress', 'disk');
    await vi.waitFor(async () => {
      expect(await bench.ok('snapshot', 'ls')).toBe('No snapshots found\n');
    });
    expect(await byteAt(bench, 'disk', 0)).toBe(1);
  });

  it('does not wait with --no-wait', async () => {
    const bench = await folder.benchWithDisk();
    await bench.ok('snapshot', 'create', 'disk');
    const answer = await bench.ok('snapshot', 'merge', 'disk-snap', '--no-wait', '--json');
    expect(JSON.parse(answer)).toMatchObject({ name: 'disk-snap', state: 'merging' });
  });

  it('keeps the store of a merge that the end of the daemon interrupts', async () => {
    const bench = folder.bench();
    await bench.ok('snapshot', 'create', folder.image);
    await fill(bench, folder.image, 3, 9);
    const merging = bench.connect().mergeSnapshot('image-snap', { wait: true });
    const ended = expect(merging).rejects.toMatchObject({ code: 'ESHUTDOWN' });
    await bench.connect().snapshots();
    await bench.host.close();
    await ended;
    expect(existsSync(folder.store)).toBe(true);
    const after = folder.bench();
    const { stderr } = await after.run(['snapshot', 'open', folder.image]);
    expect(stderr).toContain('EBUSY: the merge of');
    await after.ok('snapshot', 'open', folder.image, '--merge');
    expect(existsSync(folder.store)).toBe(false);
    expect(await byteAt(after, folder.image, 3)).toBe(1);
  });
});
