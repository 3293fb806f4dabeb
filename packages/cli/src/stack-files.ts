import type * as StackFiles from '@interposer/stack-file';

/** The package that reads stack files. It takes longer to load than all else, so only the verbs that need it do. */
export function stackFiles(): Promise<typeof StackFiles> {
  return import('@interposer/stack-file');
}
