const SIZE = /^(\d+)([KMGT]?)$/i;
const SUFFIXES = ' KMGT';
const UNIT = 1024;

/** Bytes of a text such as `4096`, `64K` or `1g`: powers of 1024. NaN for what is no size. */
export function parseSize(text: string): number {
  const [, digits, suffix = ''] = SIZE.exec(text) ?? [];
  if (digits === undefined) return NaN;
  return Number(digits) * UNIT ** SUFFIXES.indexOf(suffix.toUpperCase() || ' ');
}

/** A size as short as it can be written without loss: `64K` for 65536. */
export function sizeText(bytes: number): string {
  let [value, power] = [bytes, 0];
  while (value > 0 && value % UNIT === 0 && power < SUFFIXES.length - 1)
    [value, power] = [value / UNIT, power + 1];
  return `${String(value)}${SUFFIXES.charAt(power).trim()}`;
}
