import { handshakeMutants } from './mutants-handshake.ts';
import { transmissionMutants } from './mutants-transmission.ts';
import { structuredMutants } from './mutants-structured.ts';
import { extendedMutants } from './mutants-extended.ts';
import type { Mutant } from './faults.ts';

/** One fault each. */
export const mutants: readonly Mutant[] = [
  ...handshakeMutants,
  ...transmissionMutants,
  ...structuredMutants,
  ...extendedMutants,
];
