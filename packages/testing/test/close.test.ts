import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { createDisk } from '../src/index.ts';
import { Project } from './project.ts';
import { traces } from './traces.ts';

const canFuse = existsSync('/dev/fuse') && peer('nbdfuse', 'fusermount3');

// A folder for the temporary files of each test, so that the disks of others are not seen.
const TMPDIR = process.env.TMPDIR;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'testing-close-'));
  process.env.TMPDIR = folder;
});
afterEach(() => {
  if (TMPDIR === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = TMPDIR;
  rmSync(folder, { recursive: true });
});

describe('closing a disk', () => {
  it('leaves nothing, and may be done again', async () => {
    const disk = await createDisk({ size: '1M' });
    expect(traces()).toHaveLength(1);
    await Promise.all([disk.close(), disk.close()]);
    await disk.close();
    expect(traces()).toEqual([]);
    await expect(disk.read(0, 512)).rejects.toMatchObject({ code: 'ESHUTDOWN' });
    await expect(disk.flush()).rejects.toThrow('the disk is closed');
    await expect(disk.open()).rejects.toMatchObject({ code: 'ESHUTDOWN' });
  });

  it('is what the end of a scope does, after an error, too', async () => {
    const scope = async (): Promise<void> => {
      await using disk = await createDisk({ size: '1M' });
      await disk.write(0, Buffer.alloc(512));
      throw new Error('a test failed');
    };
    await expect(scope()).rejects.toThrow('a test failed');
    expect(traces()).toEqual([]);
  });

  it('is no different while a snapshot is taken', async () => {
    const disk = await createDisk({ size: '64M' });
    for (let at = 0; at < 2 ** 26; at += 2 ** 16) await disk.write(at, Buffer.alloc(512, 1));
    const snapshot = disk.snapshot().then(
      () => 'taken',
      (error: unknown) => (error as { code: string }).code,
    );
    await disk.close();
    expect(['taken', 'ENODEV', 'ESHUTDOWN']).toContain(await snapshot);
    expect(traces()).toEqual([]);
  });

  it('is done for a disk that could not be made', async () => {
    const unlucky = { size: '1M', faults: ['on nonsense do error'] };
    await expect(createDisk(unlucky)).rejects.toThrow('nonsense');
    expect(traces()).toEqual([]);
  });
});

describe.skipIf(!canFuse)('closing a disk with a path', () => {
  it('leaves nothing', async () => {
    const disk = await createDisk({ size: '1M', path: true });
    expect(traces().length).toBeGreaterThan(2);
    await disk.close();
    expect(traces()).toEqual([]);
  });

  it('leaves nothing though somebody has the file open', async () => {
    const disk = await createDisk({ size: '1M', path: true });
    const file = await open(disk.path!, 'r+');
    await file.write(Buffer.alloc(4096, 1), 0, 4096, 0);
    await disk.close();
    await expect(file.read(Buffer.alloc(512), 0, 512, 8192)).rejects.toThrow();
    await file.close().catch(() => undefined);
    expect(traces()).toEqual([]);
  });
});

const HOLDER = `
import { createDisk } from '@interposer/testing';
const [how, path] = process.argv.slice(2);
const disk = await createDisk({ size: '1M', path: path === 'path' });
console.log('there');
if (how === 'exit') process.exit(3);
if (how === 'throw') setImmediate(() => { throw new Error('nobody catches this'); });
`;

describe('a process that ends with an open disk', () => {
  let project: Project;
  beforeAll(async () => void (project = await Project.make()));
  afterAll(() => project.remove());

  /** Starts one that has its disk. */
  async function hold(how: string, path: string): Promise<ChildProcess> {
    const args = [project.write('holder.js', HOLDER), how, path];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    return child;
  }

  it.each(['exit', 'throw'])('by %s leaves nothing', async (how) => {
    const child = await hold(how, 'none');
    await closed(child);
    expect(traces()).toEqual([]);
  });

  it('by SIGKILL leaves an empty folder, which the next one removes', async () => {
    const child = await hold('SIGKILL', 'none');
    const other = await hold('stay', 'none');
    child.kill('SIGKILL');
    await closed(child);
    expect(traces()).toHaveLength(2);
    await closed(await hold('exit', 'none'));
    expect(traces()).toHaveLength(1);
    other.kill('SIGKILL');
    await closed(other);
    await closed(await hold('exit', 'none'));
    expect(traces()).toEqual([]);
  });

  it.skipIf(!canFuse).each(['exit', 'throw', 'SIGKILL', 'SIGINT'])(
    'by %s leaves no mount and no process',
    async (how) => {
      const child = await hold(how, 'path');
      if (how.startsWith('SIG')) child.kill(how as NodeJS.Signals);
      await closed(child);
      // What sees to it runs on for a moment.
      await expect.poll(traces, { timeout: 20_000 }).toEqual([]);
    },
  );
});

async function closed(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null)
    await new Promise((resolve) => child.once('exit', resolve));
}
