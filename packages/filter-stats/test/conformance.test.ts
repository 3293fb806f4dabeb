import { filterSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { stats } from '../src/index.ts';

filterSuite({ describe, it }, { type: stats });
