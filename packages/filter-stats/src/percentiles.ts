/** Which percentiles are shown, by name, each as so many of a thousand. */
export const PERCENTILES: readonly (readonly [name: string, perMille: number])[] = [
  ['p50', 500],
  ['p90', 900],
  ['p99', 990],
  ['p99.9', 999],
];
