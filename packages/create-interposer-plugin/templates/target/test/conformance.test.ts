import { describe, it } from 'node:test';
import { targetSuite } from '@interposer/conformance';
import { conformance } from './plug.ts';

// Every rule that a target has to keep: run it before you write a test of your own.
for (const plug of Object.values(conformance)) targetSuite({ describe, it }, plug);
