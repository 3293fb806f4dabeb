import { spawn } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { peer, peerPath } from '../../../tools/peers.ts';
import type { Surroundings } from '../src/io.ts';
import { Terminal } from '../src/luks/terminal.ts';
import { buildProgram } from './program.ts';
import { tempDirectory } from './temp.ts';

const directory = tempDirectory();

/** A terminal with somebody at it, who types these chunks. */
function terminalWith(...chunks: readonly (string | Buffer)[]): {
  around: Surroundings;
  shown: () => string;
  modes: boolean[];
} {
  const modes: boolean[] = [];
  let shown = '';
  const stdin = {
    isTTY: true,
    setRawMode: (raw: boolean) => modes.push(raw),
    async *[Symbol.asyncIterator]() {
      for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk;
    },
  };
  const stderr = { write: (text: string) => (shown += text) };
  const stop = new AbortController().signal;
  const around = {
    stdin,
    stdout: stderr,
    stderr,
    cwd: directory,
    env: {},
    sleep: () => Promise.resolve(),
    stop,
  };
  return { around, shown: () => shown, modes };
}

async function* nobody(): AsyncGenerator<string> {}

describe('a passphrase that is typed', () => {
  it.each([
    ['with Enter', ['secret\r'], 'secret'],
    ['in pieces', ['s', 'ecr', 'et\n', 'rest'], 'secret'],
    ['with blanks and bytes of UTF-8', [' p\xc3\xa4ss \r'], ' p\xc3\xa4ss '],
    ['with corrections', ['sx\x7fec\xc3\xa4\x7freq\x08t\r'], 'secret'],
    ['a second time from the start', ['wrong\x15secret\r'], 'secret'],
    ['with more erased than there was', ['\x7f\x7fsecret\r'], 'secret'],
  ])('%s is what was meant, and not shown', async (_name, chunks, expected) => {
    const { around, shown, modes } = terminalWith(...chunks);
    const typed = await Terminal.use(around, (terminal) => terminal.ask('Passphrase: '));
    expect(typed.toString('latin1')).toBe(expected);
    expect(shown()).toBe('Passphrase: \n');
    expect(modes).toEqual([true, false]);
  });

  it('stays nowhere in what was read', async () => {
    const chunks = ['secret\r', 'give\x03', 'x'.repeat(600)].map((text) => Buffer.from(text));
    const { around } = terminalWith(...chunks);
    await Terminal.use(around, async (terminal) => {
      (await terminal.ask('?')).fill(0);
      await expect(terminal.ask('?')).rejects.toThrow();
      await expect(terminal.ask('?')).rejects.toThrow();
    });
    expect(chunks.every((chunk) => chunk.every((byte) => byte === 0))).toBe(true);
  });

  it('can be followed by another in the same chunk', async () => {
    const { around } = terminalWith('one\rtwo\r');
    const typed = await Terminal.use(around, async (terminal) => [
      String(await terminal.ask('a')),
      String(await terminal.ask('b')),
    ]);
    expect(typed).toEqual(['one', 'two']);
  });

  it.each([
    ['by Ctrl-C', ['sec\x03']],
    ['by Ctrl-D', ['\x04']],
    ['by the end of the input', ['sec']],
  ])('is given up %s, and the terminal is as before', async (_name, chunks) => {
    const { around, modes } = terminalWith(...chunks);
    const asked = Terminal.use(around, (terminal) => terminal.ask('?'));
    await expect(asked).rejects.toMatchObject({ code: 'EACCES' });
    expect(modes).toEqual([true, false]);
  });

  it('can have 512 bytes', async () => {
    const { around } = terminalWith(`${'x'.repeat(512)}\r`);
    expect(await Terminal.use(around, (terminal) => terminal.ask('?'))).toHaveLength(512);
  });

  it('is taken to its end when it is too long, so that no shell gets the rest', async () => {
    const long = `${'x'.repeat(600)}\x7f\x7f`;
    const { around, shown } = terminalWith(long, 'more\rnext\r');
    const typed = await Terminal.use(around, async (terminal) => {
      await expect(terminal.ask('?')).rejects.toMatchObject({ code: 'EINVAL' });
      return String(await terminal.ask('?'));
    });
    expect([typed, shown()]).toEqual(['next', '?\n?\n']);
    const again = terminalWith(`${long}\x15short\r`);
    expect(String(await Terminal.use(again.around, (terminal) => terminal.ask('?')))).toBe('short');
  });

  it('is refused when it is too long', async () => {
    const { around } = terminalWith(`${'x'.repeat(513)}\r`);
    await expect(Terminal.use(around, (terminal) => terminal.ask('?'))).rejects.toMatchObject({
      code: 'EINVAL',
    });
  });

  it('is not asked for where there is no terminal', async () => {
    const { around } = terminalWith();
    const asked = Terminal.use({ ...around, stdin: nobody() }, (terminal) => terminal.ask('?'));
    await expect(asked).rejects.toThrow(/name a file with --key-file/);
  });
});

// Runs a program on a terminal of its own, types a line at each prompt, and prints what the terminal showed.
const ON_A_TERMINAL = `
import os, pty, sys
lines = sys.argv[1].split(',')
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown = b''
while True:
    try:
        data = os.read(fd, 4096)
    except OSError:
        break
    if not data:
        break
    shown += data
    if lines and shown.endswith(b': '):
        os.write(fd, lines.pop(0).encode() + b'\\r')
os.write(1, shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

describe.skipIf(!peer('python3'))('on a terminal of the system', () => {
  let script = '';
  beforeAll(async () => {
    script = await buildProgram(join(directory, 'program'));
  }, 60_000);

  const typing = (
    lines: string,
    ...args: readonly string[]
  ): Promise<{ code: number | null; shown: string }> =>
    new Promise((resolve, reject) => {
      const command = ['-c', ON_A_TERMINAL, lines, process.execPath, script, ...args];
      const child = spawn(peerPath('python3')!, command, { cwd: directory });
      let shown = '';
      child.stdout.on('data', (data: Buffer) => (shown += data.toString()));
      // What goes wrong beside the terminal must be seen, too.
      child.stderr.on('data', (data: Buffer) => (shown += data.toString()));
      child.on('error', reject);
      child.on('close', (code) => {
        resolve({ code, shown });
      });
    });

  it('a volume is made, opened and refused, and no passphrase is shown', async () => {
    const image = join(directory, 'disk.img');
    writeFileSync(image, '');
    truncateSync(image, 8 * 2 ** 20);
    const format = ['luks', 'format', image, '--type', 'luks1', '--iterations', '1000'];
    const different = await typing('hunter2,hunter3', ...format);
    expect(different.code).toBe(1);
    expect(different.shown).toContain('two different passphrases');
    const made = await typing('hunter2,hunter2', ...format);
    expect(made).toEqual({ code: 0, shown: `Passphrase for ${image}: \r\nThe same again: \r\n` });
    const opened = await typing('hunter2', 'luks', 'open', image, '--test-passphrase');
    expect(opened).toEqual({ code: 0, shown: `Passphrase for ${image}: \r\nKey slot 0 opens.\r\n` });
    const refused = await typing('wrong-one', 'luks', 'open', image, '--test-passphrase');
    expect(refused.code).toBe(2);
    expect(refused.shown).toContain('EACCES: no key slot opens with this passphrase');
    const changed = await typing('hunter2,new,new', 'luks', 'change-key', image, '--iterations', '1000');
    expect(changed.code).toBe(0);
    for (const { shown } of [different, made, opened, refused, changed])
      expect(shown).not.toMatch(/hunter|wrong-one|new\b/);
    expect(await typing('new', 'luks', 'open', image, '--test-passphrase')).toMatchObject({ code: 0 });
  }, 60_000);
});
