import { splitWords } from '@interposer/core';
import { mappedName } from './device-words.ts';
import type { Problems } from './problems.ts';
import type { StackItem } from './stack.ts';

/** Two items that could not both be made go to the document's problems. */
export function reportRepeated(items: readonly StackItem[], problems: Problems): void {
  const first = new Map<string, StackItem>();
  for (const item of items) {
    const claim = claimOf(item);
    if (claim === undefined) continue;
    const key = JSON.stringify([item.kind, ...claim.of]);
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, item);
    else problems.add(item.offset, `${item.path}: ${claim.what} is that of ${earlier.path}`);
  }
}

/** What an item wants to have for itself. */
interface ItemClaim {
  readonly what: string;
  readonly of: readonly unknown[];
}

function claimOf(item: StackItem): ItemClaim | undefined {
  switch (item.kind) {
    case 'device':
      return item.uuid === undefined ? undefined : { what: 'the uuid', of: [item.uuid] };
    case 'filter':
      return item.altitude === undefined
        ? { what: 'the type, without an altitude,', of: [mappedName(item.device), 'type', item.type] }
        : { what: 'the altitude on this device', of: [mappedName(item.device), item.altitude] };
    case 'remap':
      return { what: 'the altitude on this device', of: [mappedName(item.device), item.altitude] };
    case 'rule':
      return { what: 'the rule', of: [item.pattern, ...splitWords(item.filter)] };
    case 'export':
      return { what: 'the export name on this socket', of: [item.name, item.address] };
  }
}
