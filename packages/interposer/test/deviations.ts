import type { Difference } from '@interposer/conformance';
import { readPage } from './pages.ts';

const ROW = /^\| `([^`]+)` +\| `([^`]+)` +\| `([^`]*)` +\| `([^`]*)` +\|/gm;

interface Row {
  /** The row, for messages. */
  readonly title: string;
  /** Cells but the last one; a star is for any text. */
  readonly cells: readonly RegExp[];
}

/** The rows of docs/deviations.md that name steps of the vectors: where we differ from the kernel on purpose. */
export class Deviations {
  readonly #rows: readonly Row[] = [...readPage('deviations.md').matchAll(ROW)].map(([, ...cells]) => ({
    title: cells.join(' | '),
    cells: cells.map(patternOf),
  }));
  readonly #met = new Set<Row>();

  /** Whether some row has it. */
  readonly isKnown = ({ name, step, kernel, ours }: Difference): boolean => {
    const seen = [name, step, kernel, ours];
    const found = this.#rows.filter(({ cells }) => cells.every((cell, index) => cell.test(seen[index]!)));
    for (const row of found) this.#met.add(row);
    return found.length > 0;
  };

  get count(): number {
    return this.#rows.length;
  }

  /** Rows that nothing was known by. */
  unmet(): string[] {
    return this.#rows.filter((row) => !this.#met.has(row)).map(({ title }) => title);
  }
}

function patternOf(cell: string): RegExp {
  const parts = cell.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
