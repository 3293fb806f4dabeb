import { NbdUriError } from '@interposer/nbd-protocol';
import { NbdTlsError } from '@interposer/nbd-tls';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { checkServer } from './check.ts';
import { FuzzFailure, fuzzServer } from './fuzz/fuzz.ts';
import { junitText } from './report/junit.ts';
import { markdownText } from './report/markdown.ts';
import { resultText, summaryText } from './report/text.ts';
import { rules } from './rules/index.ts';
import { USAGE } from './usage.ts';
import { Unreachable } from './wire.ts';

/** Where a run prints. */
export interface Output {
  out(text: string): void;
  error(text: string): void;
}

/** Exit codes. */
const FINE = 0;
const FAILED = 1;
const USELESS = 2;

class UsageError extends Error {}

interface Settings {
  readonly uri: string | undefined;
  readonly write: boolean;
  readonly json: boolean;
  readonly markdown: boolean;
  readonly list: boolean;
  readonly help: boolean;
  readonly junit: string | undefined;
  readonly only: (id: string) => boolean;
  readonly timeout: number;
  readonly scratch: number;
  readonly fuzz: number;
  readonly seed: number;
}

/** The command with these words; answers its exit code. */
export async function main(words: readonly string[], output: Output): Promise<number> {
  try {
    const settings = parse(words);
    if (settings.help) return say(output, USAGE);
    if (settings.list) return list(settings, output);
    if (settings.uri === undefined) throw new UsageError('the address of a server is missing');
    if (settings.fuzz > 0) return await fuzz(settings.uri, settings, output);
    return await check(settings.uri, settings, output);
  } catch (error) {
    if (!isExpected(error)) throw error;
    const hint = error instanceof UsageError ? ' (--help shows what can be said)' : '';
    output.error(`interposer-nbd-conformance: ${error.message}${hint}`);
    return USELESS;
  }
}

function isExpected(error: unknown): error is Error {
  return [UsageError, NbdUriError, NbdTlsError, Unreachable].some((type) => error instanceof type);
}

function say(output: Output, text: string): number {
  output.out(text);
  return FINE;
}

function list({ only }: Settings, output: Output): number {
  for (const { id, level, section, about } of rules.filter((rule) => only(rule.id))) {
    output.out(`${level.padEnd(6)} ${id}: ${about} ("${section}")`);
  }
  return FINE;
}

async function check(uri: string, settings: Settings, output: Output): Promise<number> {
  const { write, scratch, only, timeout, json, markdown } = settings;
  if (!rules.some(({ id }) => only(id))) throw new UsageError('no rule has such a name: --list shows them');
  // Before the rules run, for nobody wants to learn of it afterwards.
  if (settings.junit !== undefined) await writeReport(settings.junit, '');
  const live = !json && !markdown;
  const report = await checkServer(uri, {
    write,
    scratch,
    only,
    timeout,
    ...(live ? { onResult: (result) => output.out(resultText(result)) } : {}),
  });
  if (json) output.out(JSON.stringify(report, null, 2));
  else output.out(markdown ? markdownText([{ title: report.uri, report }]) : summaryText(report));
  if (settings.junit !== undefined) await writeReport(settings.junit, junitText(report));
  return report.must.passed === report.must.of ? FINE : FAILED;
}

async function writeReport(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new UsageError(`--junit: ${(error as Error).message}`);
  }
}

async function fuzz(uri: string, settings: Settings, output: Output): Promise<number> {
  if (!settings.write) throw new UsageError('--fuzz destroys the data of the export, and wants --write');
  try {
    const { cases, answered } = await fuzzServer(uri, { cases: settings.fuzz, seed: settings.seed });
    output.out(
      `${String(cases)} cases of seed ${String(settings.seed)}, ${String(answered)} bytes answered: it stands`,
    );
    return FINE;
  } catch (error) {
    if (!(error instanceof FuzzFailure)) throw error;
    output.error(error.message);
    return FAILED;
  }
}

function parse(words: readonly string[]): Settings {
  const { values, positionals } = parseWords(words);
  if (positionals.length > 1) throw new UsageError(`one address, not ${positionals.join(' and ')}`);
  return {
    uri: positionals[0],
    write: values.write,
    json: values.json,
    markdown: values.markdown,
    list: values.list,
    help: values.help,
    junit: values.junit,
    only: matcher(values.rule),
    timeout: natural('timeout', values.timeout),
    scratch: values.scratch === undefined ? Infinity : natural('scratch', values.scratch),
    fuzz: natural('fuzz', values.fuzz),
    seed: natural('seed', values.seed),
  };
}

function parseWords(words: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        write: flag,
        json: flag,
        markdown: flag,
        list: flag,
        help: flag,
        junit: { type: 'string' },
        rule: { type: 'string', default: '*' },
        scratch: { type: 'string' },
        timeout: { type: 'string', default: '5000' },
        fuzz: { type: 'string', default: '0' },
        seed: { type: 'string', default: '1' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function natural(name: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new UsageError(`--${name} is a number, not "${text}"`);
  }
  return value;
}

function matcher(pattern: string): (id: string) => boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('.*')}$`);
  return (id) => expression.test(id);
}
