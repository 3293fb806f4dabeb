/** The disks of a case, by letter, in the order of `disks`. */
export const DISK_LETTERS = 'abcdef';

/** A step and what was seen of it: `ok`, with a digest after a read; the name of an errno; or a text. */
export type VectorStep = readonly [step: string, seen: string];

/** Steps from a machine without mapped devices on, and what a real kernel made of each. */
export interface VectorCase {
  readonly name: string;
  /** Sectors of each disk. */
  readonly disks: readonly number[];
  readonly steps: readonly VectorStep[];
}

/** What was recorded in one go. */
export interface VectorFile {
  /** 2; the older recordings have 1 and another form. */
  readonly format: number;
  /** Release of the kernel. */
  readonly kernel: string;
  /** Versions of the target types. */
  readonly targets: Readonly<Record<string, string>>;
  readonly cases: readonly VectorCase[];
}

/** A step, read. */
export interface Step {
  readonly verb: string;
  /** The device, mapped or a disk. */
  readonly name: string;
  /** What follows the device. */
  readonly words: readonly string[];
  /** The same as text. */
  readonly rest: string;
}

/** `VERB NAME WORD...`; the rows of a table are separated by ` / `, devices in them are in braces. */
export function parseStep(text: string): Step {
  const [verb = '', name = '', ...words] = text.split(' ');
  return { verb, name, words, rest: words.join(' ') };
}

/** The rows of a table as lines, with `{name}` replaced by what `device` answers. */
export function tableText(rest: string, device: (name: string) => string): string {
  const rows = rest.replaceAll(/\{(\w+)\}/g, (_, name: string) => device(name));
  return rows === '' ? '' : `${rows.split(' / ').join('\n')}\n`;
}
