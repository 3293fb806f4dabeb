import type { StackItem } from '../stack.ts';
import { deviceKind } from './device.ts';
import { exportKind } from './export.ts';
import { filterKind } from './filter.ts';
import type { ItemKind } from './kind.ts';
import { remapKind } from './remap.ts';
import { ruleKind } from './rule.ts';

const KINDS: { readonly [K in StackItem['kind']]: ItemKind<Extract<StackItem, { kind: K }>> } = {
  device: deviceKind,
  filter: filterKind,
  remap: remapKind,
  rule: ruleKind,
  export: exportKind,
};

/** What an item's kind knows to do with it. */
export function kindOf<I extends StackItem>(item: I): ItemKind<I> {
  return KINDS[item.kind] as unknown as ItemKind<I>;
}
