import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { runShell, type ShellRequest, type ShellResult } from '../src/crash-test/shell-command.ts';
import { tempDirectory } from './temp.ts';

const directory = tempDirectory();

function shell(command: string, more: Partial<ShellRequest> = {}): Promise<ShellResult> {
  const stop = new AbortController().signal;
  return runShell({ command, cwd: directory, env: {}, userEnv: process.env, stop, ...more });
}

/** One that has closed its files may run for a moment more. */
function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${String(pid)}/stat`, 'utf8').includes(') Z');
  } catch {
    return false;
  }
}

/** The process that a command wrote down in a file of the directory. */
function noted(name: string): number {
  return Number(readFileSync(join(directory, name), 'utf8'));
}

describe('a command', () => {
  it('runs where and with what it should, and its end is told', async () => {
    const result = await shell('echo "$GREETING from $(pwd)"; echo oh >&2; exit 3', {
      env: { GREETING: 'hello' },
    });
    expect(result).toEqual({ code: 3, signal: null, timedOut: false, tail: `hello from ${directory}\noh` });
    expect(await shell('kill -SEGV $$')).toMatchObject({ code: null, signal: 'SIGSEGV' });
  });

  it('has no input', async () => {
    expect(await shell('cat; echo end')).toMatchObject({ code: 0, tail: 'end' });
  });

  it('gives its lines one by one, the last one without a newline too', async () => {
    const lines: (string | null)[] = [];
    const onLine = (line: Uint8Array | null) =>
      lines.push(line === null ? null : Buffer.from(line).toString());
    await shell("printf 'one\\n\\nth'; printf 'ree\\ntoo long\\nlast'; echo not this >&2", {
      onLine,
      maxLine: 5,
    });
    expect(lines).toEqual(['one', '', 'three', null, 'last']);
  });

  it('leaves the end of its output, however much that is', async () => {
    const { tail } = await shell('seq 1 200000; echo last words');
    expect(tail).toMatch(/\n199999\n200000\nlast words$/);
    expect(tail.length).toBeLessThanOrEqual(4000);
  });

  it.skipIf(!peer('setsid'))('is not waited for by what has got away from it', async () => {
    const away = `setsid sh -c 'echo $$ > away; exec sleep 1000' & until [ -s away ]; do sleep 0.01; done`;
    const { code, tail } = await shell(`${away}; echo done`);
    expect({ code, tail }).toEqual({ code: 0, tail: 'done' });
    process.kill(noted('away'), 'SIGKILL');
  });

  it('may be given all the time there is', async () => {
    expect(await shell('sleep 0.1; echo done', { timeout: 2 ** 40 })).toMatchObject({
      timedOut: false,
      tail: 'done',
    });
  });

  it('leaves no process behind that it has started', async () => {
    const { code } = await shell('sleep 1000 & echo $! > left');
    expect(code).toBe(0);
    await expect.poll(() => isRunning(noted('left'))).toBe(false);
  });

  it('is ended when its time is over', async () => {
    expect(await shell('sleep 1000', { timeout: 200 })).toMatchObject({ signal: 'SIGTERM', timedOut: true });
  });

  /** Ends a command as the user does, when it has said that it is ready. */
  function stopWhenReady(command: string): Promise<ShellResult> {
    const stop = new AbortController();
    const onLine = (): void => {
      stop.abort();
    };
    return shell(command, { stop: stop.signal, onLine });
  }

  it('is ended with all its processes when the user wants that', async () => {
    const result = await stopWhenReady('sh -c "sleep 1000 & echo \\$! > deep; echo ready; wait" & wait');
    expect(result).toMatchObject({ code: null, signal: 'SIGTERM', timedOut: false, tail: 'ready' });
    await expect.poll(() => isRunning(noted('deep'))).toBe(false);
    const stopped = AbortSignal.abort();
    expect(await shell('sleep 1000', { stop: stopped })).toMatchObject({ signal: 'SIGTERM' });
  });

  it('may take away what it has made when it is ended', async () => {
    const { code } = await stopWhenReady(
      'trap "rm made; exit 1" TERM; touch made; echo ready; sleep 1000 & wait',
    );
    expect(code).toBe(1);
    expect(existsSync(join(directory, 'made'))).toBe(false);
  });

  it('is killed if it does not want to end', async () => {
    const command = 'trap "" TERM; echo $$ > stubborn; echo ready; while :; do sleep 0.05; done';
    expect(await stopWhenReady(command)).toMatchObject({ code: null, signal: 'SIGKILL' });
    await expect.poll(() => isRunning(noted('stubborn'))).toBe(false);
  });
});
