import { compareAltitudes } from './altitude.ts';
import type { FilterRule } from './control.ts';
import { fail } from './errors.ts';
import { type FilterRequest, parseFilter } from './filter-request.ts';
import type { Registry } from './registry.ts';
import { hideSecrets } from './secrets.ts';
import { quoteWord, splitWords } from './table-text.ts';

/** Which filters new devices get, by their name. */
export class FilterRules {
  readonly #registry: Registry;
  readonly #rules = new Map<number, FilterRule>();
  #lastId = 0;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** In the order in which they were added. Keys in them are shown with `showKeys` only. */
  all(showKeys: boolean): FilterRule[] {
    return [...this.#rules.values()].map((rule) => (showKeys ? rule : this.#withoutKeys(rule)));
  }

  /** EINVAL for an empty pattern, or a filter of no known type or altitude; its arguments are looked at when it is made. */
  add(pattern: string, filter: string): FilterRule {
    if (pattern === '') throw fail('EINVAL', 'the pattern is empty; * stands for every device');
    parseFilter(filter, this.#registry);
    const rule = { id: ++this.#lastId, pattern, filter };
    this.#rules.set(rule.id, rule);
    return this.#withoutKeys(rule);
  }

  remove(id: number): void {
    if (!this.#rules.delete(id)) throw fail('ENOENT', `there is no rule ${String(id)}`);
  }

  #withoutKeys(rule: FilterRule): FilterRule {
    const { type, words } = parseFilter(rule.filter, this.#registry);
    const hidden = hideSecrets(type.params, words);
    if (hidden.every((word, index) => word === words[index])) return rule;
    const [head = ''] = splitWords(rule.filter);
    return { ...rule, filter: [head, ...hidden].map(quoteWord).join(' ') };
  }

  /** What a device of that name gets, lowest altitude first. */
  requestsFor(name: string): FilterRequest[] {
    return this.all(true)
      .filter(({ pattern }) => matches(pattern, name))
      .map(({ filter }) => parseFilter(filter, this.#registry))
      .sort((a, b) => compareAltitudes(a.altitude, b.altitude));
  }
}

/** `*` stands for any characters, `/` among them, and `?` for one. */
function matches(pattern: string, name: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(name);
}
