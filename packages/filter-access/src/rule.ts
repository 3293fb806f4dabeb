import { fail, type InterposerError } from '@interposer/core';

/** What a rule does to its sectors. From the strictest down: the first that applies decides; the audits only watch. */
export const MODES = ['deny', 'ro', 'worm', 'audit', 'audit-all'] as const;
export type Mode = (typeof MODES)[number];

/** Set of modes, one bit for each, by its place in `MODES`. */
export type ModeSet = number;

/** The set that holds the given modes. */
export function modeSet(...modes: readonly Mode[]): ModeSet {
  return modes.reduce((set, mode) => set | (1 << MODES.indexOf(mode)), 0);
}

/** A mode for a range of sectors. */
export interface Rule {
  readonly mode: Mode;
  readonly first: number;
  /** The sector behind the last; Infinity: to the end of the device, whatever its size. */
  readonly end: number;
  /** In the form in which `parseRule` takes it. */
  readonly text: string;
}

const RULE = /^([a-z-]+)(?::(\d+)\+(\d+))?$/;

/** What a rule looks like, for messages. */
export const RULE_GRAMMAR: string = `${MODES.join('|')}, each alone for the whole device or with :FIRST+COUNT in sectors`;

/** Reads `MODE` or `MODE:FIRST+COUNT`. EINVAL for anything else, and for sectors that a device of that size does not have. */
export function parseRule(word: string, sectors: number): Rule {
  const [, name, from, length] = RULE.exec(word) ?? [];
  const mode = MODES.find((one) => one === name);
  if (mode === undefined) throw bad(`"${word}" is no rule; rules: ${RULE_GRAMMAR}`);
  if (from === undefined || length === undefined) return { mode, first: 0, end: Infinity, text: mode };
  const first = Number(from);
  const end = first + Number(length);
  if (end === first) throw bad(`the rule ${word} is for no sector: COUNT is at least 1`);
  if (!(end <= sectors))
    throw bad(`the rule ${word} is for sectors that the device has not: it has ${String(sectors)}`);
  return { mode, first, end, text: `${mode}:${String(first)}+${String(end - first)}` };
}

function bad(text: string): InterposerError {
  return fail('EINVAL', `filter access: ${text}`);
}
