import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { beforeAll } from 'vitest';
import { tryRead } from './attach-world.ts';
import { buildProgram, type Ended, Running } from './program.ts';
import { tempDirectory } from './temp.ts';

/** Whether a disk of the store is in order: what was said to be stored is there, and what is counted is. */
const CHECK = `
field() { dd if="$INTERPOSER_IMAGE" bs=512 skip="$1" count=1 2>/dev/null | tr -d '\\0'; }
count=$(field 0)
promised=$(wc -l < "$INTERPOSER_PROMISES")
[ "\${count:-0}" -ge "$promised" ] || { echo "$promised promised, \${count:-none} there"; exit 1; }
for number in $(seq 1 "\${count:-0}"); do
  [ "$(field "$number")" = "record $number" ] || { echo "record $number is not there"; exit 1; }
done
`;

/** The command line and the store, built, in a directory of their own where the check is, too. */
export class CrashWorld {
  readonly directory: string = tempDirectory();
  /** The options that make it the check. */
  readonly check: readonly string[] = ['--check', 'sh "$INTERPOSER_CWD/check.sh"'];
  /** The command that runs the store. */
  store = '';
  #script = '';

  /** For the tests of a file. */
  constructor() {
    writeFileSync(join(this.directory, 'check.sh'), CHECK);
    beforeAll(async () => {
      this.#script = await buildProgram(join(this.directory, 'program'));
      const entry = new URL('crash-store.ts', import.meta.url);
      const store = await buildProgram(join(this.directory, 'store'), entry);
      this.store = `'${process.execPath}' '${store}'`;
    });
  }

  start(...args: readonly string[]): Running {
    const env = { PATH: process.env.PATH, TMPDIR: this.directory };
    return new Running(this.#script, ['crash-test', ...args], { cwd: this.directory, env });
  }

  run(...args: readonly string[]): Promise<Ended> {
    return this.start(...args).ended;
  }

  /** Records two records of the store, which is careful or careless, and searches. */
  record(mode: string, ...args: readonly string[]): Promise<Ended> {
    return this.run('--size', '32K', '--run', `${this.store} ${mode} 2`, ...args);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** The results folders that got no name. */
  results(): string[] {
    return readdirSync(this.directory).filter((name) => name.startsWith('crash-test-'));
  }

  removeResults(): void {
    for (const name of this.results()) rmSync(this.path(name), { recursive: true });
  }

  /** The files of failures in a results folder. */
  failures(folder: string): string[] {
    const names = readdirSync(this.path(folder)).filter((name) => name.startsWith('failure-'));
    return names.map((name) => join(folder, name));
  }

  /** Temporary folders, mounts and processes that somebody forgot. */
  remains(): string[] {
    const folders = readdirSync(this.directory).filter((name) => name.startsWith('interposer-crash-'));
    const mounts = tryRead('/proc/self/mountinfo').split('\n');
    const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    const environments = processes.map((pid) => tryRead(`/proc/${pid}/environ`));
    return [
      ...folders,
      ...mounts.filter((text) => text.includes(this.directory)),
      ...environments.filter((text) => text.includes(`TMPDIR=${this.directory}`)),
    ];
  }
}
