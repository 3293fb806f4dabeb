import { type KeyPath, pathText } from './key-path.ts';
import type { OpenDocument } from './open-document.ts';

/** A boolean, or the text `true` or `false` that came from a variable. Anything else goes to the document's problems. */
export function readFlag(value: boolean | string, path: KeyPath, { data, problems }: OpenDocument): boolean {
  if (typeof value === 'boolean') return value;
  if (value !== 'true' && value !== 'false') {
    problems.add(data.mark(path).offset, `${pathText(path)} must be true or false`);
  }
  return value === 'true';
}

const MAX_PORT = 65_535;

/** A port number, or its text that came from a variable. Anything else goes to the document's problems. */
export function readPort(value: number | string, path: KeyPath, { data, problems }: OpenDocument): number {
  const port = /^\d+$/.test(String(value)) ? Number(value) : NaN;
  if (port >= 1 && port <= MAX_PORT) return port;
  problems.add(data.mark(path).offset, `${pathText(path)} must be a number in 1..${String(MAX_PORT)}`);
  return 0;
}
