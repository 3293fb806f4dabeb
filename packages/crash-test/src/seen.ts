import type { CrashState } from './crash-state.ts';

/** Which contents were looked at, and what had been promised with them. */
export class Seen {
  readonly #promised = new Map<string, number>();
  /** What each addition changed, to take it back. */
  readonly #changes: { readonly hash: string; readonly before: number | undefined }[] = [];

  /** How many additions there were; to come back to. */
  get size(): number {
    return this.#changes.length;
  }

  /** False if the content was there already with the same or more promises: what holds then holds for fewer. */
  add({ hash, selection }: CrashState): boolean {
    const before = this.#promised.get(hash);
    if (before !== undefined && before >= selection.promised) return false;
    this.#promised.set(hash, selection.promised);
    this.#changes.push({ hash, before });
    return true;
  }

  /** Forgets all but the first so many additions. */
  backTo(size: number): void {
    while (this.#changes.length > size) {
      const { hash, before } = this.#changes.pop()!;
      if (before === undefined) this.#promised.delete(hash);
      else this.#promised.set(hash, before);
    }
  }
}
