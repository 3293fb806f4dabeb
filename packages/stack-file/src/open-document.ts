import { dirname, resolve } from 'node:path';
import { readFile } from 'node:fs/promises';
import { fromSystemError } from '@interposer/core';
import { checkSchema } from './check-schema.ts';
import { DocumentData } from './document-data.ts';
import { type KeyPath, pathText } from './key-path.ts';
import { Problems } from './problems.ts';
import { readYaml } from './read-yaml.ts';
import type { DocumentKind } from './schemas.ts';
import { SourceText } from './source-text.ts';
import type { Environment } from './substitute.ts';

/** Where a document is from, and what its variables stand for. */
export interface ParseOptions {
  /** The file, for messages; relative paths in the document start in its folder. */
  readonly file: string;
  /** Of variables `${NAME}`; the environment of this process by default. */
  readonly environment?: Environment;
}

/** Options of reading a file. */
export type ReadOptions = Omit<ParseOptions, 'file'>;

/** A document that fits its schema. Further problems are added by those who look closer. */
export interface OpenDocument {
  readonly data: DocumentData;
  readonly problems: Problems;
  readonly source: SourceText;
  /** Where relative paths in it start; absolute. */
  readonly directory: string;
}

/** Reads a document's text. EINVAL with everything that is wrong: first in the YAML and its variables, then by the schema. */
export function openDocument(kind: DocumentKind, text: string, options: ParseOptions): OpenDocument {
  const { file, environment = process.env } = options;
  const source = new SourceText(file, text);
  const problems = new Problems(source);
  const document = readYaml(source, problems);
  // Half a document would be full of problems that are none.
  problems.throwIfAny();
  const data = new DocumentData(document!, source, problems, environment);
  problems.throwIfAny();
  checkSchema(kind, data, problems);
  problems.throwIfAny();
  return { data, problems, source, directory: dirname(resolve(file)) };
}

/** How an item of a document is called in messages, and where it stands: at its key, if it has one. */
export function placeOf(
  path: KeyPath,
  { data, source }: OpenDocument,
): { readonly path: string; readonly where: string; readonly offset: number } {
  const offset = data.keyOffset(path);
  return { path: pathText(path), where: source.where(offset), offset };
}

/** The text of a file. Rejects with what the system says. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw fromSystemError(error, `cannot read ${path}`);
  }
}
