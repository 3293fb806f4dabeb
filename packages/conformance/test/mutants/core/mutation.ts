/** A fault in a source of the core. */
export interface Mutation {
  /** What is wrong with it. */
  readonly fault: string;
  /** The case that must fail. */
  readonly failing: string;
  /** Name of the source. */
  readonly file: string;
  /** A text that is there once. */
  readonly from: string;
  /** What stands there instead. */
  readonly to: string;
}

/** Makes mutations of one source, each failing a case of one point of the contract. */
export function mutationsOf(
  point: number,
  list: readonly (readonly [file: string, fault: string, failing: string, from: string, to: string])[],
): Mutation[] {
  return list.map(([file, fault, failing, from, to]) => ({
    file: `${file}.ts`,
    fault,
    failing: `contract ${String(point)}: ${failing}`,
    from,
    to,
  }));
}
