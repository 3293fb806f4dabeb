/**
 * Finds the power cuts that a program does not survive: makes the disks that a crash could have left, from a log of its
 * writes, and has each checked. Which disks these are, and why each of them could have been, is in the README under "Which
 * states" and at `selections`.
 *
 * @packageDocumentation
 */
export type { Check, Verdict } from './check.ts';
export { crashImage, crashImageDriver, type CrashImageDriver } from './crash-image.ts';
export type { CrashState, KeptWrite } from './crash-state.ts';
export { describeState } from './describe-state.ts';
export {
  type FailureFile,
  type FailurePiece,
  type FailureSource,
  loadFailure,
  stateOf,
} from './failure-file.ts';
export { junit } from './junit.ts';
export type { LoggedWrite, WriteKind } from './log-write.ts';
export { reportText } from './report-text.ts';
export { searchCrashStates } from './search.ts';
export type { Progress, SearchOptions } from './search-options.ts';
export type { Ambiguity, EpochResult, Failure, SearchResult } from './search-result.ts';
export type { Tear } from './tears.ts';
export { writeImage } from './write-image.ts';
