/** Room for what is put behind it: a name has at most 127 characters. */
const LONGEST_BASE = 96;

/**
 * A name for the devices that are made over another one: what it is called, without the folders and the ending of a path, and
 * with nothing in it that could be read as a path, a URI or a number.
 */
export function baseName(device: string): string {
  const last = device.split('/').findLast((part) => part !== '') ?? '';
  const isPath = device.includes('/');
  const stem = isPath ? last.replace(/(?<=.)\.[^.]*$/, '') : last;
  const fit = stem.replaceAll(/[^\w.+-]+/g, '-').replaceAll(/^[-.]+|-+$/g, '');
  return (fit === '' ? 'device' : fit).slice(0, LONGEST_BASE);
}

/** The first of `wanted`, `wanted2`, `wanted3` ... that is free. */
export function freeName(wanted: string, isFree: (name: string) => boolean): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? wanted : `${wanted}${String(number)}`;
    if (isFree(name)) return name;
  }
}
