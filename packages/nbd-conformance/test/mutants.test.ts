import { describe, expect, it } from 'vitest';
import { checkServer } from '../src/index.ts';
import { ours, pattern, uriOf } from './fixture.ts';
import { mutants } from './mutants.ts';
import { proxy } from './proxy.ts';

// A mutant that leaves a client waiting costs this much.
const timeout = 1000;

/** Where a good server is, whose disk has data and holes. */
async function filledServer(): Promise<string> {
  const { path, disk } = await ours();
  await disk.write(0, pattern(2 ** 18));
  return path;
}

describe('a server with one fault', () => {
  it.each(mutants)('$fault fails $rule', async ({ rule, faults }) => {
    const path = await proxy(await filledServer(), faults);
    const { results } = await checkServer(uriOf(path, 'disk'), {
      write: true,
      timeout,
      only: (id) => id === rule,
    });
    expect(results.map(({ id, status }) => `${id}: ${status}`)).toEqual([`${rule}: fail`]);
  });

  it('has a fault that its proxy without one has not', async () => {
    const path = await proxy(await filledServer(), {});
    const named = new Set(mutants.map(({ rule }) => rule));
    const { results } = await checkServer(uriOf(path, 'disk'), { write: true, only: (id) => named.has(id) });
    const others = results.filter(({ status }) => status !== 'pass');
    expect(others.map(({ id, status, message }) => `${id}: ${status}, ${message ?? ''}`)).toEqual([]);
    expect(results.length).toBe(named.size);
  });
});
