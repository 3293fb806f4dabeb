import { fail } from './errors.ts';

/**
 * A position in a filter stack: a decimal string such as "140000" or "140000.5", compared as an exact number of any
 * precision. High is nearest the submitter. The text is in its one canonical form, so equal altitudes are equal strings.
 */
export type Altitude = string;

const PATTERN = /^(\d+)(?:\.(\d+))?$/;

/** The canonical form of an altitude: no leading zeros, no trailing zeros behind the point. EINVAL for anything else. */
export function parseAltitude(text: string): Altitude {
  const match = PATTERN.exec(text);
  if (match === null) {
    throw fail('EINVAL', `altitude "${text}" is not a decimal number such as 140000 or 140000.5`);
  }
  const whole = (match[1] ?? '').replace(/^0+(?=\d)/, '');
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** Negative, zero or positive as `a` is lower than, equal to or higher than `b`; exact. */
export function compareAltitudes(a: Altitude, b: Altitude): number {
  const [wholeA = '', fractionA = ''] = a.split('.');
  const [wholeB = '', fractionB = ''] = b.split('.');
  if (wholeA.length !== wholeB.length) return wholeA.length - wholeB.length;
  if (wholeA !== wholeB) return wholeA < wholeB ? -1 : 1;
  // Behind the point, digits compare like text: a prefix is the smaller number.
  if (fractionA === fractionB) return 0;
  return fractionA < fractionB ? -1 : 1;
}
