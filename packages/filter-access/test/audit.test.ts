import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { BioOp, Status } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { accessOver } from '../src/access.ts';
import type { LogFile } from '../src/log-file.ts';
import { EPERM, type Line, OK, Setup } from './support.ts';

const { Read, Write, Discard, WriteZeroes } = BioOp;

/** A line without its time. */
function untimed({ time: _, ...rest }: Line): object {
  return rest;
}

describe('the audit log', () => {
  let setup: Setup;

  afterEach(() => setup.stop());

  async function start(spec: string): Promise<void> {
    setup = new Setup();
    await setup.start(spec);
  }

  it('audit: each change of the range is a line, with what came of it', async () => {
    await start('access log=LOG audit:8+8');
    const since = Date.now();
    setup.send(Write, 0, 8);
    setup.send(Write, 15, 2);
    setup.send(Discard, 8, 8);
    setup.disk.fail(Status.Io);
    setup.send(WriteZeroes, 0, 64);
    setup.send(Read, 8, 8);
    const lines = await setup.lines();
    expect(lines.map(untimed)).toEqual([
      { device: 'disk', op: 'write', sector: 15, count: 2, outcome: 'ok', rule: 'audit:8+8' },
      { device: 'disk', op: 'discard', sector: 8, count: 8, outcome: 'ok', rule: 'audit:8+8' },
      { device: 'disk', op: 'write-zeroes', sector: 0, count: 64, outcome: 'EIO', rule: 'audit:8+8' },
    ]);
    for (const { time } of lines) {
      expect(new Date(time).toISOString()).toBe(time);
      expect(Date.parse(time)).toBeGreaterThanOrEqual(since);
    }
    expect(await setup.status()).toBe('refused=0 deny=0 ro=0 worm=0 audited=3 logged=3 lost=0');
  });

  it('audit-all: reads too', async () => {
    await start('access log=LOG audit:0+4 audit-all:0+8');
    setup.send(Read, 0, 1);
    setup.send(Write, 0, 1);
    setup.send(Write, 4, 1);
    setup.send(Read, 8, 1);
    expect((await setup.lines()).map(({ op, sector, rule }) => [op, sector, rule])).toEqual([
      ['read', 0, 'audit-all:0+8'],
      ['write', 0, 'audit:0+4'],
      ['write', 4, 'audit-all:0+8'],
    ]);
  });

  it('what is refused is logged whether or not it is audited, with the rule that refused it', async () => {
    await start('access log=LOG ro:0+16 deny:8+8 worm:16+8 audit-all:0+8');
    expect(setup.send(Write, 0, 1)).toEqual(EPERM);
    expect(setup.send(Write, 7, 2)).toEqual(EPERM);
    expect(setup.send(Read, 8, 8)).toEqual(EPERM);
    expect(setup.send(Write, 16, 1)).toEqual(OK);
    expect(setup.send(Write, 16, 1)).toEqual(EPERM);
    expect((await setup.lines()).map(untimed)).toEqual([
      { device: 'disk', op: 'write', sector: 0, count: 1, outcome: 'refused', rule: 'ro:0+16' },
      { device: 'disk', op: 'write', sector: 7, count: 2, outcome: 'refused', rule: 'deny:8+8' },
      { device: 'disk', op: 'read', sector: 8, count: 8, outcome: 'refused', rule: 'deny:8+8' },
      { device: 'disk', op: 'write', sector: 16, count: 1, outcome: 'refused', rule: 'worm:16+8' },
    ]);
  });

  it('a line names the rule that was there when the request came, whatever became of it', async () => {
    await start('access log=LOG audit:0+8 audit:8+8');
    setup.disk.hold();
    setup.send(Write, 8, 1);
    setup.send(Write, 0, 1);
    await setup.message('remove audit:0+8 audit:8+8');
    await setup.message('add audit');
    setup.send(Write, 1, 1);
    setup.disk.release('newest');
    expect((await setup.lines()).map(({ sector, rule }) => [sector, rule])).toEqual([
      [1, 'audit'],
      [0, 'audit:0+8'],
      [8, 'audit:8+8'],
    ]);
  });

  it('lines are appended to what is there, and are in the file after a second or at the latest after detach', async () => {
    setup = new Setup();
    await setup.start('access');
    await setup.engine.detachFilter('disk', 'access');
    await writeFile(setup.logPath, 'before\n');
    await setup.attach('access log=LOG audit');
    setup.send(Write, 0, 1);
    const idle = setup.clock.pending;
    setup.clock.advance(999);
    expect(setup.clock.pending).toBe(idle);
    setup.clock.advance(1);
    expect(setup.clock.pending).toBe(idle - 1);
    setup.send(Write, 1, 1);
    await setup.engine.detachFilter('disk', 'access');
    expect(setup.clock.pending).toBe(idle - 1);
    const [first, ...lines] = (await readFile(setup.logPath, 'utf8')).split('\n');
    expect(first).toBe('before');
    expect(lines.slice(0, -1).map((line) => (JSON.parse(line) as Line).sector)).toEqual([0, 1]);
  });

  it('two filters may share a file', async () => {
    await start('access log=LOG audit');
    await setup.attach('access@360001 log=LOG ro:8+8');
    setup.send(Write, 8, 1);
    setup.send(Write, 0, 1);
    await setup.engine.detachFilter('disk', 'access@360001');
    expect((await setup.lines()).map(({ outcome }) => outcome)).toEqual(['refused', 'ok']);
  });

  it('a directory is no log', async () => {
    await start('access');
    await mkdir(setup.logPath);
    await expect(setup.attach('access@1 log=LOG')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(appendFile(setup.logPath, '')).rejects.toThrow();
  });
});

/** A log file that fails, or takes its time, when it is told to. */
class TestFile implements LogFile {
  text = '';
  /** Bytes it takes before it fails; Infinity: it does not. */
  room = Infinity;
  /** Writes wait while it is set. */
  gate: Promise<void> = Promise.resolve();
  isOpen = true;

  async write(bytes: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }> {
    await this.gate;
    if (this.room === 0) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
    const bytesWritten = Math.min(length, this.room, 1000);
    this.room -= bytesWritten;
    this.text += Buffer.from(bytes.buffer, bytes.byteOffset + offset, bytesWritten).toString();
    return { bytesWritten };
  }

  async datasync(): Promise<void> {}

  async close(): Promise<void> {
    this.isOpen = false;
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

describe('an audit log that cannot be written', () => {
  let setup: Setup;
  let file: TestFile;

  afterEach(() => setup.stop());

  async function start(): Promise<void> {
    file = new TestFile();
    setup = new Setup(
      {},
      accessOver(async () => file),
    );
    await setup.start('access log=LOG audit');
  }

  it('is reported by its message, the status and the log of the engine; requests go on; later lines tell what is missing', async () => {
    await start();
    file.room = 0;
    expect(setup.send(Write, 0, 1)).toEqual(OK);
    expect(setup.send(Write, 1, 1)).toEqual(OK);
    await expect(setup.message('log')).rejects.toMatchObject({
      code: 'ENOSPC',
      message: expect.stringContaining('log='),
    });
    expect(await setup.status()).toMatch(
      / audited=2 logged=0 lost=2 filter access: log=\S+: ENOSPC: no space left$/,
    );
    expect(setup.messages).toEqual([expect.stringMatching(/ENOSPC: no space left; lines are lost$/)]);
    expect(setup.send(Write, 2, 1)).toEqual(OK);
    await expect(setup.message('log')).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(setup.messages).toHaveLength(1);
    file.room = Infinity;
    setup.send(Write, 3, 1);
    await setup.message('log');
    expect(file.lines.map((line) => untimed(JSON.parse(line) as Line))).toEqual([
      { lost: 3 },
      { device: 'disk', op: 'write', sector: 3, count: 1, outcome: 'ok', rule: 'audit' },
    ]);
    expect(await setup.status()).toMatch(/ audited=4 logged=1 lost=3$/);
    expect(setup.messages[1]).toMatch(/is written again$/);
  });

  it('the message log alone says what is missing when there is room again', async () => {
    await start();
    file.room = 0;
    setup.send(Write, 0, 1);
    await expect(setup.message('log')).rejects.toMatchObject({ code: 'ENOSPC' });
    file.room = Infinity;
    await setup.message('log');
    expect(file.lines.map((line) => untimed(JSON.parse(line) as Line))).toEqual([{ lost: 1 }]);
  });

  it('a line that was cut short spoils no other', async () => {
    await start();
    file.room = 20;
    setup.send(Write, 0, 1);
    await expect(setup.message('log')).rejects.toMatchObject({ code: 'ENOSPC' });
    file.room = Infinity;
    setup.send(Write, 1, 1);
    await setup.message('log');
    const [torn, lost, line] = file.lines;
    expect(torn).toHaveLength(20);
    expect(JSON.parse(lost!)).toMatchObject({ lost: 1 });
    expect(JSON.parse(line!)).toMatchObject({ sector: 1 });
  });

  it('takes bounded room while the file is slow, and counts what it has no room for', async () => {
    await start();
    let open = (): void => undefined;
    file.gate = new Promise((resolve) => {
      open = resolve;
    });
    const wanted = 10_000;
    for (let i = 0; i < wanted; i++) expect(setup.send(Write, i % 1000, 1)).toEqual(OK);
    const [, lost] = / lost=(\d+)$/.exec(await setup.status())!;
    expect(Number(lost)).toBeGreaterThan(0);
    open();
    await setup.message('log');
    const lines = file.lines.map((line) => JSON.parse(line) as Line);
    expect(lines.at(-1)).toMatchObject({ lost: Number(lost) });
    expect(lines).toHaveLength(wanted - Number(lost) + 1);
    // Two batches of 256 KiB.
    expect(file.text.length).toBeLessThan(513 * 1024);
  });

  it('does not keep the filter from going; what is missing is told', async () => {
    await start();
    file.room = 0;
    setup.send(Write, 0, 1);
    await setup.engine.detachFilter('disk', 'access');
    expect(setup.messages.at(-1)).toMatch(/the last 1 lines are missing$/);
    expect(file.isOpen).toBe(false);
    await setup.attach('access log=LOG');
  });
});
