import type { Rule } from './rule.ts';

/** The rules for whose sake bios under way will be logged, by numbers that fit into the cookie of a bio. */
export class Audited {
  readonly #rules: (Rule | null)[] = [];
  readonly #free: number[] = [];

  /** Keeps a rule until `take` of the number it answers. */
  put(rule: Rule): number {
    const number = this.#free.pop() ?? this.#rules.length;
    this.#rules[number] = rule;
    return number;
  }

  take(number: number): Rule {
    const rule = this.#rules[number]!;
    this.#rules[number] = null;
    this.#free.push(number);
    return rule;
  }
}
