import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { createEngine } from '@interposer/core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { file } from '../src/index.ts';
import { BOTH_WAYS, useWorkshop } from './tools.ts';

const shop = useWorkshop();
const MIB = 2 ** 20;
const run = promisify(execFile);

let directory = '';
const children = new Set<ChildProcess>();

// Node 20 runs no TypeScript: the program that holds an image in another process is bundled first.
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'interposer-file-holder-'));
  symlinkSync(resolve(import.meta.dirname, '../node_modules'), join(directory, 'node_modules'));
  await build({
    configFile: false,
    logLevel: 'silent',
    ssr: {
      resolve: { conditions: ['@interposer/source'] },
      noExternal: [/^@interposer\//],
      external: ['koffi'],
    },
    build: {
      ssr: resolve(import.meta.dirname, 'holder.ts'),
      outDir: directory,
      emptyOutDir: false,
      target: 'node20',
    },
  });
});

afterAll(() => rmSync(directory, { recursive: true }));

afterEach(async () => {
  for (const child of children) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  children.clear();
});

/** Another process that tries to open an image, and what it said. */
async function hold(
  path: string,
  mode: 'read' | 'write',
  noFfi = '0',
): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [join(directory, 'holder.js'), path, mode], {
    env: { ...process.env, INTERPOSER_NO_FFI: noFfi },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.add(child);
  for await (const said of createInterface({ input: child.stdout })) return { child, said };
  throw new Error('the holder said nothing');
}

describe.each(BOTH_WAYS)('a lock, %s here', (_here, noFfi) => {
  beforeEach(() => {
    vi.stubEnv('INTERPOSER_NO_FFI', noFfi);
  });

  it('keeps two engines of one process apart', async () => {
    const path = shop().image(MIB);
    await shop().open(path);
    const other = createEngine({ types: [file] });
    await expect(other.open(path)).rejects.toMatchObject({
      code: 'EBUSY',
      message: `"${path}" is open for writing in this process`,
    });
    await other.close();
  });

  describe.each(BOTH_WAYS)('and %s there', (_there, noFfiThere) => {
    it('keeps a writer and another process apart, and tells who holds it', async () => {
      const path = shop().image(MIB);
      const { child, said } = await hold(path, 'write', noFfiThere);
      expect(said).toBe('open');
      const message = expect.stringContaining(
        `"${path}" is open for writing in process ${String(child.pid)} (`,
      );
      await expect(shop().open(path)).rejects.toMatchObject({ code: 'EBUSY', message });
      await expect(shop().open(path, 'read')).rejects.toMatchObject({ code: 'EBUSY', message });
    });

    it('ends when its holder is killed', async () => {
      const path = shop().image(MIB);
      const { child } = await hold(path, 'write', noFfiThere);
      await expect(shop().open(path)).rejects.toMatchObject({ code: 'EBUSY' });
      child.kill('SIGKILL');
      await once(child, 'exit');
      const port = await shop().open(path);
      expect(port.isOpen).toBe(true);
    });

    it('lets many read, and nobody write meanwhile', async () => {
      const path = shop().image(MIB);
      expect((await hold(path, 'read', noFfiThere)).said).toBe('open');
      expect((await hold(path, 'read', noFfiThere)).said).toBe('open');
      const port = await shop().open(path, 'read');
      const { said } = await hold(path, 'write', noFfiThere);
      expect(said).toMatch(/^EBUSY .* is open for reading in process \d+/);
      port.close();
    });

    it('ends when the device is closed', async () => {
      const path = shop().image(MIB);
      const engine = createEngine({ types: [file] });
      const port = await engine.open(path);
      expect((await hold(path, 'write', noFfiThere)).said).toMatch(/^EBUSY/);
      port.close();
      await engine.close();
      expect((await hold(path, 'write', noFfiThere)).said).toBe('open');
    });
  });
});

describe.skipIf(!peer('qemu-io', 'qemu-img'))('a lock and qemu', () => {
  /** What qemu complains of; empty when it could open the image. */
  async function complaint(program: string, ...args: readonly string[]): Promise<string> {
    try {
      await run(program, args);
      return '';
    } catch (error) {
      return (error as { stderr: string }).stderr;
    }
  }

  /** Opens it for writing, and shares it with everybody who wants to read. */
  const writing = (path: string): Promise<string> =>
    complaint('qemu-io', '-f', 'raw', '-c', 'read 0 512', path);

  /** Opens it for reading; of a raw image qemu does not mind writers. */
  const reading = (path: string): Promise<string> => complaint('qemu-img', 'info', path);

  it('keeps qemu from what we write', async () => {
    const path = shop().image(MIB);
    const engine = createEngine({ types: [file] });
    const port = await engine.open(path);
    expect(await writing(path)).toMatch(/Failed to get .*lock/);
    expect(await reading(path)).toBe('');
    port.close();
    await engine.close();
    expect(await writing(path)).toBe('');
  });

  it('lets qemu read what we read, not write it', async () => {
    const path = shop().image(MIB);
    await shop().open(path, 'read');
    expect(await reading(path)).toBe('');
    expect(await writing(path)).toMatch(/Failed to get .*lock/);
  });

  it('keeps us from what qemu writes', async () => {
    const path = shop().image(MIB);
    const child = spawn('qemu-io', ['-f', 'raw', path], { stdio: ['pipe', 'pipe', 'inherit'] });
    children.add(child);
    // The prompt appears when the image is open.
    await once(child.stdout, 'data');
    const refusal = { code: 'EBUSY', message: `"${path}" is locked by another program, such as qemu` };
    await expect(shop().open(path)).rejects.toMatchObject(refusal);
    await expect(shop().open(path, 'read')).rejects.toMatchObject(refusal);
  });
});
