import type { BioRecord } from '@interposer/filter-trace';

/** As many bios as may be missed before they are taken for missing. */
const WINDOW = 4096;

/** Puts records, which stand in the order in which bios ended, into that in which they came. */
export class SubmissionOrder {
  readonly #follow: (record: BioRecord) => void;
  readonly #early = new Map<number, BioRecord>();
  #next = 1;

  /** `follow` is called with each record in its turn. */
  constructor(follow: (record: BioRecord) => void) {
    this.#follow = follow;
  }

  add(record: BioRecord): void {
    this.#early.set(record.number, record);
    if (record.number === this.#next) this.#run();
    else if (this.#early.size > WINDOW) this.#skip();
  }

  /** No more will come. */
  finish(): void {
    while (this.#early.size > 0) this.#skip();
  }

  #run(): void {
    for (;;) {
      const record = this.#early.get(this.#next);
      if (record === undefined) return;
      this.#early.delete(this.#next);
      this.#follow(record);
      this.#next++;
    }
  }

  /** Those that are missed were dropped, or the trace was stopped meanwhile. */
  #skip(): void {
    this.#next = Math.min(...this.#early.keys());
    this.#run();
  }
}
