import { filterSuite, type TestRunner } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { volatile } from '../src/index.ts';

/** What a cache answers at once cannot fail with what the disk below says later: that comes with the flush. */
const AT_ONCE =
  /^failure: a (read|write|discard) that fails below|^lifecycle: a drain that takes too long names/;

const cached: TestRunner = {
  describe,
  it: (name, run) => {
    if (!AT_ONCE.test(name)) it(name, run);
  },
};

filterSuite(cached, { type: volatile });
filterSuite(cached, { type: volatile, args: () => 'size=20K order=prefix' });
filterSuite({ describe, it }, { type: volatile, args: () => 'size=0 seed=5' });
