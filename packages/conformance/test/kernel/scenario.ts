import { readFileSync } from 'node:fs';

/** Bytes of one sector that are not as in what it holds otherwise: where, and which. */
export type Changes = readonly (readonly [offset: number, value: number])[];

/** What a sector holds: a stamp and its number, `zero`, `other`, or the errno name of the failure to read it. */
export type Held = readonly [what: string, number?: number | null, changes?: Changes];

/** A run of sectors: the first, how many, and what the first holds; a sector with changed bytes is a run by itself. */
export type Run = readonly [first: number, count: number, ...held: Held];

/** A disk of a scenario. */
export interface DiskFacts {
  readonly devno: string;
  readonly sectors: number;
  readonly stamp: string;
  readonly options?: string;
}

/** Requests and sectors, by operation; flushes are requests only. */
export type Lower = Readonly<Record<string, readonly [requests: number, sectors: number] | number>>;

/** A step: a command, an I/O, or a look at limits. What the fields mean stands beside the recorded data. */
export interface Step {
  readonly argv?: readonly string[];
  readonly stdin?: string;
  readonly stdout?: string;
  readonly code?: number;
  readonly dmesg?: readonly string[];
  readonly note?: string;
  readonly hold?: string;
  readonly release?: string;
  readonly background?: string;
  readonly join?: string;
  readonly at?: number;
  readonly io?: string;
  readonly device?: string;
  readonly sector?: number;
  readonly count?: number;
  readonly result?: string;
  readonly bytes?: number;
  readonly data?: readonly Run[];
  readonly map?: readonly Run[];
  readonly lower?: Readonly<Record<string, Lower>>;
  readonly disks?: Readonly<Record<string, readonly Run[]>>;
  readonly queue?: string;
  readonly limits?: Readonly<Record<string, string | number>>;
}

/** What a real kernel did, from a machine without mapped devices on. */
export interface Scenario {
  readonly name: string;
  readonly disks: Readonly<Record<string, DiskFacts>>;
  readonly steps: readonly Step[];
}

/** The scenarios of one recorded file, by its name without `.json`. */
export function scenarios(file: string): Scenario[] {
  const path = new URL(`../../vectors/${file}.json`, import.meta.url);
  const { scenarios } = JSON.parse(readFileSync(path, 'utf8')) as { scenarios: Scenario[] };
  return scenarios;
}

/** One recorded scenario. Throws where there is none of that name. */
export function scenario(file: string, name: string): Scenario {
  const found = scenarios(file).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no recorded scenario ${name} in ${file}.json`);
  return found;
}

/** The target types of a table. */
export function typesOf(table: string): string[] {
  return table
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s+/)[2] ?? '');
}

/** The table a command brings: its argument, or standard input. */
export function tableOf(step: Step): string {
  const { argv = [], stdin = '' } = step;
  const at = argv.indexOf('--table');
  return at < 0 ? stdin : argv[at + 1]!;
}
