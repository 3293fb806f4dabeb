/** A test function: of vitest, node:test, or anything like them. */
export type TestFunction = (...context: unknown[]) => Promise<void>;

/** What the suites register their cases with. `{ describe, it }` of vitest or of node:test fit as they are. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, run: TestFunction) => unknown;
  /** Where each skipped case is named with its reason; standard output by default. */
  readonly print?: (line: string) => void;
  /** Seeds everything that is random in the cases; 1 by default. */
  readonly seed?: number;
}
