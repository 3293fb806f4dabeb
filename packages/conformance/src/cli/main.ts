import { asError } from '@interposer/core';
import { type CaseResult, collect, listCases } from '../collect.ts';
import { type Loaded, loadSuites } from './load.ts';
import { type Options, readOptions, USAGE } from './options.ts';

const WORDS = { passed: 'pass', failed: 'FAIL', skipped: 'skip' } as const;

/** The command: the exit code. `write` takes lines, `directory` is what paths are relative to. */
export async function main(
  argv: readonly string[],
  write: (line: string) => void,
  directory: string,
): Promise<number> {
  try {
    const options = readOptions(argv);
    if (options === undefined) {
      write(USAGE.trimEnd());
      return 0;
    }
    const all = await loadSuites(options.module, directory, options.table);
    const loaded = all.filter(({ type }) => options.filter === undefined || type.name === options.filter);
    if (loaded.length === 0) {
      write(
        `no type ${options.filter ?? ''} in ${options.module}; there are: ${all.map(({ type }) => type.name).join(', ')}`,
      );
      return 2;
    }
    return options.list ? list(loaded, options, write) : await run(loaded, options, write);
  } catch (error) {
    write(`interposer-conformance: ${asError(error).message}`);
    return 2;
  }
}

function list(loaded: readonly Loaded[], { text, seed }: Options, write: (line: string) => void): number {
  for (const { register } of loaded) {
    if (typeof register === 'string') continue;
    for (const { name } of listCases(register, seed)) if (name.includes(text)) write(name);
  }
  return 0;
}

async function run(
  loaded: readonly Loaded[],
  { text, seed }: Options,
  write: (line: string) => void,
): Promise<number> {
  const results: CaseResult[] = [];
  let untried = 0;
  const report = ({ outcome, name, reason }: CaseResult): void => {
    write(`${WORDS[outcome]}  ${name}${reason === undefined ? '' : `: ${reason}`}`);
  };
  for (const { type, register } of loaded) {
    if (typeof register === 'string') {
      untried++;
      write(`not run  ${type.kind} ${type.name}: ${register}`);
    } else {
      results.push(...(await collect(register, { seed, report, match: (name) => name.includes(text) })));
    }
  }
  const count = (outcome: CaseResult['outcome']): number =>
    results.filter((one) => one.outcome === outcome).length;
  write(
    `${String(count('passed'))} passed, ${String(count('failed'))} failed, ${String(count('skipped'))} skipped (seed ${String(seed)})`,
  );
  if (count('failed') > 0) return 1;
  return results.length === 0 || untried > 0 ? 2 : 0;
}
