import { splitWords } from '@interposer/core';
import type { StackRule } from '../stack.ts';
import type { ItemKind } from './kind.ts';

/** Rules for new devices. A rule is there or it is not: one with another filter is another rule. */
export const ruleKind: ItemKind<StackRule> = {
  // Not the arguments: they may hold a key.
  label: ({ pattern, filter }) => `rule ${pattern}: ${splitWords(filter)[0] ?? ''}`,
  async find(control, { pattern, filter }) {
    const running = (await control.rules({ showKeys: true })).find(
      (rule) => rule.pattern === pattern && wordsOf(rule.filter) === wordsOf(filter),
    );
    return running === undefined ? undefined : { remove: () => control.removeRule(running.id) };
  },
  async make(control, { pattern, filter }) {
    const { id } = await control.addRule(pattern, filter);
    return () => control.removeRule(id);
  },
};

function wordsOf(filter: string): string {
  return JSON.stringify(splitWords(filter));
}
