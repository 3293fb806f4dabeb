import type { Expectation } from './expectation.ts';
import type { Told } from './job.ts';

/** What a disk `o` must hold, and its snapshots, by what was told of them. */
export class SnapshotModels {
  readonly #models: Map<string, Expectation>;
  /** `o` becomes what its snapshot `s` was. */
  isMerging: boolean;

  constructor(models: Iterable<readonly [string, Expectation]>, isMerging = false) {
    this.#models = new Map(models);
    this.isMerging = isMerging;
  }

  copy(): SnapshotModels {
    return new SnapshotModels(
      [...this.#models].map(([name, model]) => [name, model.copy()]),
      this.isMerging,
    );
  }

  has(name: string): boolean {
    return this.#models.has(name);
  }

  get(name: string): Expectation {
    return this.#models.get(name)!;
  }

  take(told: readonly Told[]): void {
    /** A snapshot holds what was on its origin at some moment while it was made. */
    const making = new Set<Expectation>();
    for (const { word, device, sector, count, number } of told) {
      const model = this.#models.get(device);
      if (word === 'making' && model === undefined) {
        const copy = this.get('o').copy();
        this.#models.set(device, copy);
        making.add(copy);
      }
      if (word === 'made' && model !== undefined) making.delete(model);
      if (word === 'turning') this.#turn();
      if (word === 'done') model!.settled(sector, count, number);
      if (word !== 'sent') continue;
      model!.sent(sector, count, number);
      if (device === 'o') for (const copy of making) copy.sent(sector, count, number);
    }
  }

  #turn(): void {
    this.isMerging = true;
    this.#models.set('o', this.get('s'));
    this.#models.delete('s');
  }
}
