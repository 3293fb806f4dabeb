import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as kit from '../../../src/index.ts';
import { bundled } from '../mutated-bundle.ts';
import type { Mutation } from './mutation.ts';

const PACKAGE = join(import.meta.dirname, '../../..');
const CORE = join(dirname(createRequire(import.meta.url).resolve('@interposer/core/package.json')), 'src');

/** The kit with a core of its own, of whose sources one has a fault; without a mutation, with a sound core. */
export function kitOver(mutation?: Mutation): Promise<typeof kit> {
  const change = mutation && { ...mutation, path: join(CORE, mutation.file) };
  return bundled(join(PACKAGE, 'src/index.ts'), join(PACKAGE, 'tsconfig.json'), change);
}
