import { asError, fail, isInterposerError } from '@interposer/core';
import { kindOf } from './items/kinds.ts';
import { planUp } from './plan.ts';
import type { Stack } from './stack.ts';
import type { StackControl } from './stack-control.ts';
import type { Step, StepOptions } from './step.ts';

/**
 * Takes down what a stack names, upper things first, whether or not it is as the file says; what is not there is skipped.
 * Goes on after an error; in the end it rejects with all errors, a line for each, and the code of the first.
 */
export async function down(control: StackControl, stack: Stack, options: StepOptions = {}): Promise<Step[]> {
  const steps: Step[] = [];
  const errors: { readonly text: string; readonly cause: unknown }[] = [];
  for (const item of planUp(stack).reverse()) {
    const kind = kindOf(item);
    const label = kind.label(item);
    let outcome: Step['outcome'] = 'failed';
    try {
      const found = await kind.find(control, item, stack);
      await found?.remove?.();
      outcome = found?.remove === undefined ? 'skipped' : 'removed';
    } catch (error) {
      errors.push({ text: `${item.where}: ${label}: ${asError(error).message}`, cause: error });
    }
    const step = { label, path: item.path, outcome };
    steps.push(step);
    options.onStep?.(step);
  }
  const [first] = errors;
  if (first === undefined) return steps;
  const code = isInterposerError(first.cause) ? first.cause.code : 'EIO';
  throw fail(code, errors.map(({ text }) => text).join('\n'), first.cause);
}
