/** A fault of a target, or of what core does for it. */
export interface Fault {
  readonly fault: string;
  /** The group of vectors that tells. */
  readonly group: string;
  /** Path of the source in packages/. */
  readonly file: string;
  /** A text that is there once. */
  readonly from: string;
  readonly to: string;
}

/** Faults of a package that a group of vectors finds; a file is named without folder and extension. */
export function faultsIn(
  group: string,
  folder: string,
  list: readonly (readonly [fault: string, file: string, from: string, to: string])[],
): Fault[] {
  return list.map(([fault, file, from, to]) => ({
    fault,
    group,
    file: `${folder}/src/${file}.ts`,
    from,
    to,
  }));
}
