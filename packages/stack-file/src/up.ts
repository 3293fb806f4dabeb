import { asError, fail, type InterposerError, isInterposerError } from '@interposer/core';
import type { Undo } from './items/kind.ts';
import { kindOf } from './items/kinds.ts';
import { planUp } from './plan.ts';
import type { Stack, StackItem } from './stack.ts';
import type { StackControl } from './stack-control.ts';
import { differenceText } from './status.ts';
import type { Step, StepOptions } from './step.ts';

/**
 * Makes what a stack names and is not there, and leaves alone what is there as the file says. EEXIST, before anything is
 * done, where something is there but not as the file says, with all such differences. All or nothing: when an item cannot be
 * made, what this call made is taken down again, last first, and the error says what failed, with the code of the cause.
 */
export async function up(control: StackControl, stack: Stack, options: StepOptions = {}): Promise<Step[]> {
  const run = new Run(control, stack, options);
  await run.refuseDifferences();
  for (const item of run.items) await run.ensure(item);
  return run.steps;
}

class Run {
  readonly items: readonly StackItem[];
  readonly steps: Step[] = [];
  readonly #control: StackControl;
  readonly #stack: Stack;
  readonly #options: StepOptions;
  readonly #made: { readonly item: StackItem; readonly undo: Undo }[] = [];

  constructor(control: StackControl, stack: Stack, options: StepOptions) {
    this.items = planUp(stack);
    this.#control = control;
    this.#stack = stack;
    this.#options = options;
  }

  async refuseDifferences(): Promise<void> {
    const texts: string[] = [];
    for (const item of this.items) {
      const found = await kindOf(item).find(this.#control, item, this.#stack);
      if (found?.differs !== undefined) texts.push(differenceText(item, found.differs));
    }
    if (texts.length > 0) throw fail('EEXIST', [...texts, 'nothing was changed'].join('\n'));
  }

  async ensure(item: StackItem): Promise<void> {
    const kind = kindOf(item);
    try {
      // Looked at again: a rule may have made a filter meanwhile.
      const found = await kind.find(this.#control, item, this.#stack);
      if (found?.differs !== undefined) throw fail('EEXIST', differenceText(item, found.differs));
      if (found !== undefined) {
        this.#note(item, 'kept');
        return;
      }
      this.#made.push({ item, undo: await kind.make(this.#control, item) });
      this.#note(item, 'made');
    } catch (error) {
      this.#note(item, 'failed');
      throw await this.#takeBack(item, error);
    }
  }

  /** The error of the item, and of what could not be taken back. */
  async #takeBack(failed: StackItem, cause: unknown): Promise<InterposerError> {
    const texts = [`${failed.where}: ${kindOf(failed).label(failed)}: ${asError(cause).message}`];
    for (const { item, undo } of [...this.#made].reverse()) {
      try {
        await undo();
        this.#note(item, 'taken back');
      } catch (error) {
        texts.push(`${kindOf(item).label(item)} is left: ${asError(error).message}`);
      }
    }
    if (this.#made.length > 0) texts.push('what was made before was taken down again');
    return fail(isInterposerError(cause) ? cause.code : 'EIO', texts.join('\n'), cause);
  }

  #note(item: StackItem, outcome: Step['outcome']): void {
    const step = { label: kindOf(item).label(item), path: item.path, outcome };
    this.steps.push(step);
    this.#options.onStep?.(step);
  }
}
