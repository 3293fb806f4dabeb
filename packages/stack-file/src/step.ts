/** What was done about an item of a stack file. */
export interface Step {
  /** For people, e.g. `filter throttle on disk.img`. */
  readonly label: string;
  /** Keys to it in the file. */
  readonly path: string;
  /**
   * `made`; `kept`: was there already; `removed`; `skipped`: was not there; `failed`: the error tells why;
   * `taken back`: made, and removed again because a later item failed.
   */
  readonly outcome: 'made' | 'kept' | 'removed' | 'skipped' | 'failed' | 'taken back';
}

/** Options of `up` and `down`. */
export interface StepOptions {
  /** Called after each step, in order, also where all fails in the end. */
  readonly onStep?: (step: Step) => void;
}
