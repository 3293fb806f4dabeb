import { describe, it } from 'vitest';
import { coreSuite } from '../src/index.ts';

coreSuite({ describe, it });
