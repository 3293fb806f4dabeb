import { targetSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { linear } from '../src/index.ts';

targetSuite(
  { describe, it },
  { type: linear, table: ([disk]) => `${disk!} 8`, place: (sector) => [0, sector + 8] },
);
