import { fail } from '@interposer/core';
import { printable } from '../text-field.ts';
import type { JsonObject } from './json-text.ts';

/** Members of a JSON object by name, with errors that say where. Each is EINVAL where the metadata is not as it must be. */
export class Fields {
  readonly where: string;
  readonly #object: JsonObject;

  constructor(value: unknown, where: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw wrong(where, 'is no object');
    this.#object = value as JsonObject;
    this.where = where;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#object, name);
  }

  names(): string[] {
    return Object.keys(this.#object);
  }

  object(name: string): Fields {
    return new Fields(this.#get(name), this.#path(name));
  }

  string(name: string): string {
    const value = this.#get(name);
    if (typeof value !== 'string') throw wrong(this.#path(name), 'is no string');
    return value;
  }

  /** Text that has something in it: a type or a name. */
  word(name: string): string {
    const text = this.string(name);
    if (text === '') throw wrong(this.#path(name), 'is empty');
    return text;
  }

  /** A whole number of 32 bits without sign. */
  number(name: string): number {
    const value = this.#get(name);
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
    throw wrong(this.#path(name), 'is no whole number of 32 bits');
  }

  /** A number of 64 bits without sign, which JSON cannot hold: a string of decimal digits. */
  bigNumber(name: string): bigint {
    const text = this.string(name);
    const value = /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
    if (value === undefined || value >= 2n ** 64n)
      throw wrong(this.#path(name), 'is no decimal number of 64 bits');
    return value;
  }

  /** One that counts bytes of a header. */
  bytes(name: string): number {
    const value = this.bigNumber(name);
    if (value > Number.MAX_SAFE_INTEGER) throw wrong(this.#path(name), 'is too large');
    return Number(value);
  }

  base64(name: string): Buffer {
    const text = this.string(name);
    const isBase64 = text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
    if (!isBase64) throw wrong(this.#path(name), 'is no base64');
    return Buffer.from(text, 'base64');
  }

  strings(name: string): string[] {
    const value = this.#get(name);
    if (!Array.isArray(value)) throw wrong(this.#path(name), 'is no array');
    const items: readonly unknown[] = value;
    return items.map((item) => {
      if (typeof item !== 'string') throw wrong(this.#path(name), 'holds what is no string');
      return item;
    });
  }

  /** Names of objects such as key slots, as numbers. */
  references(name: string, to: ReadonlySet<number>): number[] {
    return this.strings(name).map((text) => {
      const number = NUMBER.test(text) ? Number(text) : NaN;
      if (!to.has(number)) throw wrong(this.#path(name), `names ${JSON.stringify(text)}, which is not there`);
      return number;
    });
  }

  /** The objects within, by their number. */
  numbered(): Map<number, Fields> {
    return new Map(this.names().map((name) => [this.#numberOf(name), this.object(name)]));
  }

  /** The error of a member. */
  wrong(name: string, problem: string): Error {
    return wrong(this.#path(name), problem);
  }

  #numberOf(name: string): number {
    if (NUMBER.test(name) && Number(name) < MOST_OBJECTS) return Number(name);
    throw wrong(this.#path(name), `is not named by a number below ${String(MOST_OBJECTS)}`);
  }

  #get(name: string): unknown {
    if (!this.has(name)) throw wrong(this.#path(name), 'is missing');
    return this.#object[name];
  }

  #path(name: string): string {
    return this.where === '' ? name : `${this.where}.${name}`;
  }
}

/** In one spelling only: names are compared as text. */
const NUMBER = /^(?:0|[1-9]\d?)$/;

/** Of each kind: key slots, tokens, segments, digests. */
export const MOST_OBJECTS = 32;

function wrong(where: string, problem: string): Error {
  return fail('EINVAL', printable(`in its metadata ${where} ${problem}`));
}
