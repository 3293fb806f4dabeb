/** Keys and indexes from the root of a document to a value. */
export type KeyPath = readonly (string | number)[];

const PLAIN_KEY = /^[A-Za-z_$][\w$-]*$/;

/** As people write it, e.g. `devices.disk.table[1]` or `filters["disk.img"]`. */
export function pathText(path: KeyPath): string {
  return path.map(segmentText).join('').replace(/^\./, '') || 'the document';
}

/** As a JSON pointer, e.g. `/devices/disk/table/1`: RFC 6901. */
export function pointerOf(path: KeyPath): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function segmentText(key: string | number): string {
  if (typeof key === 'number') return `[${String(key)}]`;
  return PLAIN_KEY.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
