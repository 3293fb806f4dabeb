import { readPage } from './pages.ts';

/** A step that differs on purpose: what the kernel made of it, and what we do, without the text of an error. */
export interface Deviation {
  readonly step: string;
  readonly kernel: string;
}

const ROW = /^\| `([^`]+)` +\| `([^`]+)` +\| `([^`]*)` +\|/gm;

/** The rows of docs/deviations.md that name a case of the vectors, by its name. */
export function deviations(): ReadonlyMap<string, Deviation> {
  const rows = [...readPage('deviations.md').matchAll(ROW)];
  return new Map(rows.map(([, name, step, kernel]) => [name!, { step: step!, kernel: kernel! }]));
}
