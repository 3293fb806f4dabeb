import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createEngine } from '@interposer/core';
import { file } from '@interposer/device-file';
import { type LogEntry, LogFlag, readLog } from '@interposer/write-log';
import { beforeAll, describe, expect, it } from 'vitest';
import { System } from '../src/attach/system.ts';
import { record, type RecordRequest, type Recording } from '../src/crash-test/recorder.ts';
import { hasFuse } from './attach-world.ts';
import { buildProgram } from './program.ts';
import { tempDirectory } from './temp.ts';

const directory = tempDirectory();
let store: string;

beforeAll(async () => {
  const script = await buildProgram(join(directory, 'program'), new URL('crash-store.ts', import.meta.url));
  store = `'${process.execPath}' '${script}'`;
});

/** A system without FUSE, unless one has to be there. */
const bare = new System({ dev: directory });

async function recordIn(name: string, request: Partial<RecordRequest>): Promise<Recording> {
  const folder = join(directory, name);
  mkdirSync(folder);
  return record({
    folder,
    disk: { bytes: 64 * 512 },
    prepare: undefined,
    run: 'true',
    cwd: directory,
    userEnv: { PATH: process.env.PATH, NODE_NO_WARNINGS: '1' },
    system: bare,
    stop: new AbortController().signal,
    log: () => undefined,
    onOutput: () => undefined,
    ...request,
  });
}

async function entriesOf({ log }: Recording): Promise<string[]> {
  const engine = createEngine({ types: [file] });
  const port = await engine.open(log, { mode: 'read' });
  const entries: string[] = [];
  for await (const entry of readLog(port)) entries.push(textOf(entry));
  port.close();
  await engine.close();
  return entries;
}

function textOf({ flags, mark, sector, count }: LogEntry): string {
  if (mark !== undefined) return `mark ${mark}`;
  if ((flags & LogFlag.Flush) !== 0) return 'flush';
  return `write ${String(sector)}+${String(count)}`;
}

describe('a recording', () => {
  it('has the writes, the flushes, and what the program said in between', async () => {
    const recording = await recordIn('careful', { run: `${store} careful 2` });
    expect(await entriesOf(recording)).toEqual([
      'write 1+1',
      'flush',
      'write 0+1',
      'flush',
      'mark stored 1',
      'write 2+1',
      'flush',
      'write 0+1',
      'flush',
      'mark stored 2',
      'mark dm-log-writes-end',
    ]);
    expect(readdirSync(join(directory, 'careful')).sort()).toEqual(['base.img', 'writes.log']);
    expect(statSync(recording.log).size).toBe((1 + 11 + 4) * 512);
    expect(readFileSync(recording.base).every((byte) => byte === 0)).toBe(true);
  });

  it('logs what no flush covered at the end', async () => {
    const recording = await recordIn('unflushed', { run: `${store} unflushed 1` });
    expect(await entriesOf(recording)).toEqual(['mark written 1', 'write 1+1', 'mark dm-log-writes-end']);
  });

  it('begins with a copy of an image, and leaves that alone', async () => {
    const image = join(directory, 'user.img');
    const before = Buffer.alloc(300 * 512);
    before.write('at the start', 0);
    before.write('in the middle', 200 * 512);
    writeFileSync(image, before);
    const recording = await recordIn('image', { disk: { image }, run: `${store} careful 1` });
    expect(readFileSync(image).equals(before)).toBe(true);
    expect(readFileSync(recording.base).equals(before)).toBe(true);
    expect((await entriesOf(recording)).at(-2)).toBe('mark stored 1');
  });

  it('has nothing of the preparation, which the disk has', async () => {
    const recording = await recordIn('prepared', {
      prepare: `printf hello | dd of="$INTERPOSER_IMAGE" conv=notrunc 2>/dev/null && ${store} careful 1`,
      run: 'true',
    });
    expect(await entriesOf(recording)).toEqual(['mark dm-log-writes-end']);
    const base = readFileSync(recording.base);
    expect(base.toString('latin1', 512, 520)).toBe('record 1');
    expect(base.toString('latin1', 0, 2)).toBe('1\0');
  });

  it('of a command that fails is an error with what it said', async () => {
    await expect(recordIn('failed', { run: 'echo no such luck >&2; exit 3' })).rejects.toMatchObject({
      code: 'EIO',
      message: 'the run command: exit code 3:\nno such luck',
    });
    await expect(recordIn('unprepared', { prepare: 'exit 9' })).rejects.toThrow(
      'the prepare command: exit code 9',
    );
  });

  it('whose log ran full is an error, not half a recording', async () => {
    await expect(recordIn('full', { run: `${store} careful 9`, logBytes: 20 * 512 })).rejects.toMatchObject({
      code: 'ENOSPC',
    });
  });

  it('has no room for a line that is too long', async () => {
    await expect(recordIn('long', { run: "printf '%0500d\\n' 1" })).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining('more than 479 bytes') as string,
    });
    const recording = await recordIn('longest', { run: "printf '%0479d\\n' 1" });
    expect((await entriesOf(recording))[0]).toHaveLength('mark '.length + 479);
  });

  it('is not begun where the program wants a path and there is none', async () => {
    await expect(recordIn('pathless', { run: 'touch ran; cat "$INTERPOSER_DISK"' })).rejects.toMatchObject({
      code: 'ENODEV',
      message: expect.stringMatching(/nbdfuse and \/dev\/fuse: .*INTERPOSER_URI works everywhere/) as string,
    });
    expect(existsSync(join(directory, 'ran'))).toBe(false);
  });

  it.skipIf(!hasFuse)('has what is written to a file', async () => {
    const recording = await recordIn('fuse', {
      run: 'echo hello | dd of="$INTERPOSER_DISK" bs=512 seek=8 conv=notrunc,fsync,sync 2>/dev/null; echo done',
      system: new System(),
    });
    const entries = await entriesOf(recording);
    expect(entries.slice(0, entries.indexOf('mark done'))).toEqual(
      expect.arrayContaining(['write 8+1', 'flush']),
    );
  });

  it('ends when the user wants that', async () => {
    const stop = new AbortController();
    const onOutput = (): void => {
      stop.abort();
    };
    const run = 'echo begun; sleep 1000';
    await expect(recordIn('stopped', { run, stop: stop.signal, onOutput })).rejects.toThrow('interrupted');
  });
});
