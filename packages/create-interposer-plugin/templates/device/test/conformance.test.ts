import { describe, it } from 'node:test';
import { deviceSuite } from '@interposer/conformance';
import { conformance } from './plug.ts';

// Every rule that a device has to keep: run it before you write a test of your own.
for (const plug of Object.values(conformance)) deviceSuite({ describe, it }, plug);
