import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseStack, parseTransaction } from '../src/index.ts';

interface Schema {
  readonly $ref?: string;
  readonly description?: string;
  readonly 'x-allowed'?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly definitions?: Readonly<Record<string, Schema>>;
}

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
}

function schemaOf(kind: string): Schema {
  return JSON.parse(read(`schema/${kind}.schema.json`)) as Schema;
}

/** Rows of a Markdown table that tells of every property, for each object of a schema. */
function tablesOf(schema: Schema, root: Schema): string[] {
  const own = Object.entries(schema.properties ?? {}).map(([key, property]) => {
    const definition =
      property.$ref === undefined ? {} : root.definitions?.[property.$ref.split('/').at(-1) ?? ''];
    const { description = 'nothing', 'x-allowed': allowed = 'nothing' } = { ...definition, ...property };
    return `| \`${key}\` | ${schema.required?.includes(key) === true ? 'yes' : 'no'} | ${description} | ${allowed} |`;
  });
  const below = [...Object.values(schema.properties ?? {}), ...Object.values(schema.definitions ?? {})];
  const items = schema.items === undefined ? [] : [schema.items];
  const tables = [...below, ...items].flatMap((one) => tablesOf(one, root));
  return own.length === 0 ? tables : [own.join('\n'), ...tables];
}

const page = read('../../docs/stack-file.md');
const readme = read('README.md');

describe('the documentation', () => {
  const plain = page
    .split('\n')
    .map((line) => line.replace(/\\/g, '').replace(/\s+/g, ' ').trim())
    .join('\n');

  it.each(['stack', 'transaction'])('has every property of the %s schema, with what it says', (kind) => {
    const schema = schemaOf(kind);
    const tables = tablesOf(schema, schema);
    expect(tables.length).toBeGreaterThan(3);
    for (const table of tables) expect(plain).toContain(table);
  });

  it('has samples that can be read', () => {
    const samples = [...`${page}\n${readme}`.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text);
    expect(samples.length).toBeGreaterThan(2);
    for (const text of samples) {
      const options = { file: 'sample.yaml', environment: {} };
      const isTransaction = /^- /m.test(text) && !/^version:/m.test(text);
      expect(() =>
        isTransaction ? parseTransaction(text, options) : parseStack(text, options),
      ).not.toThrow();
    }
  });
});

describe('the schemas', () => {
  it('are published', () => {
    const manifest = JSON.parse(read('package.json')) as { files: string[] };
    expect(manifest.files).toContain('schema');
  });

  it.each(['stack', 'transaction'])('describe every property of a %s', (kind) => {
    const schema = schemaOf(kind);
    for (const table of tablesOf(schema, schema)) expect(table).not.toContain('| nothing |');
  });
});
