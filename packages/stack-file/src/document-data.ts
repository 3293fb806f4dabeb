import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap } from 'yaml';
import { type KeyPath, pathText, pointerOf } from './key-path.ts';
import type { Problems } from './problems.ts';
import type { SourceText } from './source-text.ts';
import { type Environment, substitute } from './substitute.ts';

/** Plain data of a document. */
export type Data = null | boolean | number | string | readonly Data[] | { readonly [key: string]: Data };

/** Where a value stands. */
export interface Mark {
  /** Of the value. */
  readonly offset: number;
  /** Of its key, in a map. */
  readonly key?: number;
  readonly node: Node | null;
}

/** Values that aliases may repeat, all together: a short document cannot become a huge one. */
const MAX_REPEATED = 10_000;

/**
 * A YAML document as plain data with the environment's variables replaced in strings and in keys. `marks` tells for each
 * JSON pointer where its value stands.
 */
export class DocumentData {
  readonly root: Data;
  readonly #marks = new Map<string, Mark>();
  readonly #source: SourceText;
  readonly #problems: Problems;
  readonly #environment: Environment;
  readonly #anchors = new Map<string, Node>();
  /** Aliases that are being followed. */
  readonly #following: Node[] = [];
  #repeated = 0;

  constructor(document: Document.Parsed, source: SourceText, problems: Problems, environment: Environment) {
    this.#source = source;
    this.#problems = problems;
    this.#environment = environment;
    this.root = this.#value(document.contents, [], { offset: 0 });
  }

  /** Where a value stands; for one that is missing, where the one around it does. */
  mark(path: KeyPath): Mark {
    for (let length = path.length; length > 0; length--) {
      const mark = this.#marks.get(pointerOf(path.slice(0, length)));
      if (mark !== undefined) return mark;
    }
    return this.#marks.get('') ?? { offset: 0, node: null };
  }

  /** Where a key stands. */
  keyOffset(path: KeyPath): number {
    const { key, offset } = this.mark(path);
    return key ?? offset;
  }

  #value(node: Node | null, path: KeyPath, place: { offset: number; key?: number }): Data {
    const offset = node?.range?.[0] ?? place.offset;
    this.#marks.set(pointerOf(path), { ...place, offset, node });
    if (this.#following.length > 0) this.#countRepeated(offset);
    if (isAlias(node)) return this.#alias(node.source, offset, path, place);
    const anchor = (node as { anchor?: string } | null)?.anchor;
    if (node !== null && anchor !== undefined && this.#following.length === 0)
      this.#anchors.set(anchor, node);
    if (isMap(node)) return this.#map(node, path);
    if (isSeq(node))
      return node.items.map((item, index) => this.#value(item as Node, [...path, index], { offset }));
    return isScalar(node) ? this.#scalar(node) : null;
  }

  #map(map: YAMLMap, path: KeyPath): Data {
    const entries = new Map<string, Data>();
    for (const { key, value } of map.items) {
      const at = (key as Node | null)?.range?.[0] ?? map.range?.[0] ?? 0;
      const name = this.#keyOf(key, at, path);
      if (name === undefined) continue;
      if (entries.has(name)) this.#problems.add(at, 'this key is there already; each key may stand once');
      entries.set(name, this.#value(value as Node | null, [...path, name], { offset: at, key: at }));
    }
    // Not an ordinary object, or a key `__proto__` would be lost.
    return Object.assign(Object.create(null) as Record<string, Data>, Object.fromEntries(entries));
  }

  #keyOf(key: unknown, at: number, path: KeyPath): string | undefined {
    const text = isScalar(key) ? (typeof key.value === 'string' ? key.value : key.source) : undefined;
    if (!isScalar(key) || text === undefined || key.value === null) {
      this.#problems.add(at, `a key of ${pathText(path)} is no word; keys are words`);
      return undefined;
    }
    // The key that names a schema for editors is the one with a dollar sign of its own.
    return text === '$schema' ? text : this.#substitute(text, key);
  }

  #scalar(scalar: Scalar): Data {
    const { value } = scalar;
    if (typeof value === 'string') return this.#substitute(value, scalar);
    if (typeof value === 'number' || typeof value === 'boolean') return value;
    return null;
  }

  #substitute(text: string, scalar: Scalar): string {
    if (!text.includes('$')) return text;
    const result = substitute(text, this.#environment);
    for (const { dollar, message } of result.problems)
      this.#problems.add(this.#dollarAt(scalar, dollar), message);
    return result.text;
  }

  /** Where the n-th dollar sign of a scalar stands, also in one of many lines. */
  #dollarAt({ range }: Scalar, ordinal: number): number {
    const [start = 0, end = 0] = range ?? [];
    let at = start - 1;
    for (let n = 0; n <= ordinal; n++) at = this.#source.text.indexOf('$', at + 1);
    return at >= start && at < end ? at : start;
  }

  #alias(name: string, offset: number, path: KeyPath, place: { offset: number; key?: number }): Data {
    const node = this.#anchors.get(name);
    if (node === undefined || this.#following.includes(node)) {
      this.#problems.add(offset, `*${name} stands for nothing: an anchor &${name} must end before it`);
      return null;
    }
    if (this.#repeated > MAX_REPEATED) return null;
    this.#following.push(node);
    const value = this.#value(node, path, place);
    this.#following.pop();
    return value;
  }

  #countRepeated(offset: number): void {
    this.#repeated++;
    if (this.#repeated === MAX_REPEATED + 1) {
      this.#problems.add(offset, `aliases repeat more than ${String(MAX_REPEATED)} values`);
    }
  }
}
