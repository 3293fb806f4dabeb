import { filterSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { dirty } from '../src/index.ts';

filterSuite({ describe, it }, { type: dirty });
