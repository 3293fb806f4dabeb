import { execFile } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { peer, peerPath } from '../../../tools/peers.ts';
import { later, temporaryFolder } from '../../../tools/temporary.ts';
import { createInterposer, type Engine, readLog, replay } from '../src/index.ts';

const DISK_BYTES = 2 ** 20;
const LOG_BYTES = 2 ** 22;

// The block driver blklogwrites of QEMU writes logs in the format of the kernel's log-writes, and reads those that it adds to.
describe.skipIf(!peer('qemu-io'))('a log of writes', () => {
  async function makeFiles(): Promise<(name: string) => string> {
    const folder = await temporaryFolder();
    for (const [name, bytes] of [
      ['disk', DISK_BYTES],
      ['copy', DISK_BYTES],
      ['log', LOG_BYTES],
    ] as const) {
      writeFileSync(join(folder, name), '');
      truncateSync(join(folder, name), bytes);
    }
    return (name) => join(folder, name);
  }

  /** Does to the disk what the commands say, with the log. */
  async function qemu(path: (name: string) => string, option: string, commands: string[]): Promise<void> {
    const driver = [
      `driver=blklogwrites,${option}`,
      `file.driver=file,file.filename=${path('disk')},log.driver=file,log.filename=${path('log')}`,
    ].join(',');
    const words = commands.flatMap((command) => ['-c', command]);
    await promisify(execFile)(peerPath('qemu-io')!, ['--image-opts', driver, ...words]);
  }

  async function replayed(engine: Engine, path: (name: string) => string): Promise<number> {
    const log = await engine.open(path('log'));
    const copy = await engine.open(path('copy'));
    const entries = await replay(log, copy);
    log.close();
    copy.close();
    return entries;
  }

  function newEngine(): Engine {
    const engine = createInterposer();
    later(() => engine.close());
    return engine;
  }

  it('by QEMU makes the same disk again', async () => {
    const path = await makeFiles();
    const writes = [
      'write -P 0x41 0 8k',
      'flush',
      'write -f -P 0x42 4k 4k',
      'write -z 0 4k',
      'write -P 0x43 1000k 512',
    ];
    await qemu(path, 'log-sector-size=512', writes);
    expect(await replayed(newEngine(), path)).toBeGreaterThan(writes.length);
    const disk = readFileSync(path('disk'));
    expect(disk[4096]).toBe(0x42);
    expect(readFileSync(path('copy')).equals(disk)).toBe(true);
  });

  it('by us is read by QEMU, which goes on behind its end', async () => {
    const path = await makeFiles();
    const engine = newEngine();
    await engine.create('logged', {
      table: `0 ${String(DISK_BYTES / 512)} log-writes ${path('disk')} ${path('log')}`,
    });
    await engine.write('logged', 0, new Uint8Array(8192).fill(0x41));
    await engine.flush('logged');
    await engine.message('logged', 0, ['mark', 'ours']);
    await engine.discard('logged', 64, 8);
    await engine.write('logged', 16, new Uint8Array(512).fill(0x42));
    await engine.remove('logged');

    await qemu(path, 'log-append=on', ['write -P 0x43 100k 1k', 'flush']);

    const log = await engine.open(path('log'), { mode: 'read' });
    const marks: string[] = [];
    for await (const { mark } of readLog(log)) if (mark !== undefined) marks.push(mark);
    log.close();
    expect(marks).toEqual(['ours', 'dm-log-writes-end']);
    await replayed(engine, path);
    const disk = readFileSync(path('disk'));
    expect(disk[100 * 1024]).toBe(0x43);
    expect(readFileSync(path('copy')).equals(disk)).toBe(true);
  });
});
