import { targetSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { zero } from '../src/index.ts';

targetSuite({ describe, it }, { type: zero, content: 'zeroes' });
