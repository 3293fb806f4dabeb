import { filterSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { chaos } from '../src/index.ts';

const ARGUMENTS = [
  '',
  // Rules that concern nothing, or change nothing.
  'seed=1 on any state=other do error on write sectors=9999+1 do drop on any probability=0 do error on any do next new-state=b on any state=b do delay=0 on any do error',
  // Requests that are held, and overtake one another.
  'seed=2 on write,read do latency p50=1 p99=8 on any do delay=2',
  // What is overwritten is read before; the cache sees every request, and keeps none.
  'seed=3 history=8K on read state=never do stale on write state=never do cache',
];

for (const args of ARGUMENTS) filterSuite({ describe, it }, { type: chaos, args: () => args });
