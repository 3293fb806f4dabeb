import { describe, it } from 'node:test';
import { filterSuite } from '@interposer/conformance';
import { conformance } from './plug.ts';

// Every rule that a filter has to keep: run it before you write a test of your own.
for (const plug of Object.values(conformance)) filterSuite({ describe, it }, plug);
