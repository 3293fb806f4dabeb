import { asError, fail, isInterposerError } from '@interposer/core';

/** What to do to have everything as it was before, the last step first. */
export class Undo {
  readonly #steps: (() => Promise<unknown>)[] = [];

  /** Notes how the step that was just done is undone. */
  add(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  /** Undoes all; a step that fails does not keep the others from it. Resolves to what went wrong. */
  async run(): Promise<Error[]> {
    const errors: Error[] = [];
    for (const step of this.#steps.splice(0).reverse()) {
      await step().catch((error: unknown) => errors.push(asError(error)));
    }
    return errors;
  }
}

/** Work of several steps that are all done, or none of them. */
export async function allOrNothing<T>(work: (undo: Undo) => Promise<T>): Promise<T> {
  const undo = new Undo();
  try {
    return await work(undo);
  } catch (error) {
    const [trouble] = await undo.run();
    if (trouble === undefined) throw error;
    const code = isInterposerError(error) ? error.code : 'EIO';
    throw fail(code, `${asError(error).message}; and not all could be undone: ${trouble.message}`, error);
  }
}
