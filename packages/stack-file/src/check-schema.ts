import type { ErrorObject } from 'ajv';
import type { Data, DocumentData } from './document-data.ts';
import { type KeyPath, pathText } from './key-path.ts';
import { nearest } from './nearest.ts';
import type { Problems } from './problems.ts';
import { type DocumentKind, validatorOf } from './schemas.ts';

interface Subschema {
  readonly 'x-allowed'?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** Checks a document against its schema. What is wrong goes to `problems`. */
export function checkSchema(kind: DocumentKind, data: DocumentData, problems: Problems): void {
  const validate = validatorOf(kind);
  if (validate(data.root)) return;
  for (const error of validate.errors ?? []) {
    // The rule that holds alternatives, or names, reports for all of them.
    if (/\/oneOf\/|\/not$/.test(error.schemaPath) || error.keyword === 'propertyNames') continue;
    report(error, data, problems);
  }
}

function report(error: ErrorObject, data: DocumentData, problems: Problems): void {
  const path = pathOf(error.instancePath, data.root);
  const { properties = {}, 'x-allowed': allowed = 'something else' } = (error.parentSchema ??
    {}) as Subschema;
  const params = error.params as { additionalProperty?: string; missingProperty?: string };
  const name = error.propertyName ?? params.additionalProperty;
  if (error.propertyName !== undefined) {
    const offset = data.keyOffset([...path, error.propertyName]);
    problems.add(offset, `${pathText([...path, error.propertyName])}: the name must be ${allowed}`);
  } else if (name !== undefined) {
    problems.add(data.keyOffset([...path, name]), unknownKey(name, path, Object.keys(properties)));
  } else if (error.keyword === 'required') {
    problems.add(
      data.mark(path).offset,
      `${pathText(path)} lacks the key ${params.missingProperty ?? ''}; it must be ${allowed}`,
    );
  } else {
    problems.add(data.mark(path).offset, `${pathText(path)} must be ${allowed}${butIs(error)}`);
  }
}

function unknownKey(name: string, path: KeyPath, allowed: readonly string[]): string {
  const near = nearest(name, allowed);
  const hint = near === undefined ? '' : `did you mean ${near}? `;
  const keys = allowed.filter((key) => key !== '$schema').join(', ');
  return `unknown key ${JSON.stringify(name)} in ${pathText(path)}; ${hint}allowed: ${keys}`;
}

function butIs({ keyword, data }: ErrorObject): string {
  return keyword === 'type' ? `, is ${kindOf(data)}` : '';
}

function kindOf(data: unknown): string {
  if (data === null) return 'empty';
  if (Array.isArray(data)) return 'a list';
  if (typeof data === 'object') return 'a map';
  return typeof data === 'string' ? 'a text' : `a ${typeof data}`;
}

/** A JSON pointer as keys; an index is a number where the value around it is a list. */
function pathOf(pointer: string, root: Data): KeyPath {
  const path: (string | number)[] = [];
  let value: Data | undefined = root;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(value) ? Number(key) : key);
    value = (value as Readonly<Record<string, Data>>)[key];
  }
  return path;
}
