import { filterSuite, targetSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { error, errorFilter } from '../src/index.ts';

targetSuite({ describe, it }, { type: error, content: 'error' });
targetSuite({ describe, it }, { type: error, content: 'error', devices: 1, table: ([disk]) => `${disk!} 8` });
filterSuite({ describe, it }, { type: errorFilter, content: 'error', args: () => '' });
