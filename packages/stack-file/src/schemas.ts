import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';

/** The documents this package knows. */
export type DocumentKind = 'stack' | 'transaction';

const validators = new Map<DocumentKind, ValidateFunction>();

/** The check of a document against its schema, which is made at first use. */
export function validatorOf(kind: DocumentKind): ValidateFunction {
  let validate = validators.get(kind);
  if (validate === undefined) {
    const ajv = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, strictRequired: false });
    // What a value may be, in words; the errors are made from it.
    ajv.addKeyword({ keyword: 'x-allowed', schemaType: 'string' });
    validate = ajv.compile(readSchema(kind));
    validators.set(kind, validate);
  }
  return validate;
}

/** The published schema file. */
function readSchema(kind: DocumentKind): Record<string, unknown> {
  const file = new URL(`../schema/${kind}.schema.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}
