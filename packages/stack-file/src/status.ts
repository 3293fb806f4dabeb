import { kindOf } from './items/kinds.ts';
import type { Difference, Found } from './items/kind.ts';
import { planUp } from './plan.ts';
import type { Stack, StackItem } from './stack.ts';
import type { StackControl } from './stack-control.ts';

/** How an item of a stack file stands. */
export interface ItemStatus {
  /** For people, e.g. `filter throttle on disk.img`. */
  readonly label: string;
  /** Keys to it in the file. */
  readonly path: string;
  readonly state: 'present' | 'absent' | 'differs';
  /** Both sides, where they differ. */
  readonly difference?: Difference;
}

/** Each item of a stack in the order in which `up` makes them. Changes nothing and opens nothing. */
export async function status(control: StackControl, stack: Stack): Promise<ItemStatus[]> {
  const states: ItemStatus[] = [];
  for (const item of planUp(stack)) {
    const found = await kindOf(item).find(control, item, stack);
    states.push(statusOf(item, found));
  }
  return states;
}

/** An item's status from what was found in its place. */
export function statusOf(item: StackItem, found: Found | undefined): ItemStatus {
  const named = { label: kindOf(item).label(item), path: item.path };
  if (found === undefined) return { ...named, state: 'absent' };
  if (found.differs === undefined) return { ...named, state: 'present' };
  return { ...named, state: 'differs', difference: found.differs };
}

/** A line for a message. */
export function differenceText(item: StackItem, { wanted, running }: Difference): string {
  return `${item.where}: ${kindOf(item).label(item)} is not as in the file: there it is ${wanted}; running is ${running}`;
}
