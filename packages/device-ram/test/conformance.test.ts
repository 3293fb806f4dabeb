import { SECTOR_SIZE } from '@interposer/core';
import { deviceSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { ram } from '../src/index.ts';

deviceSuite(
  { describe, it },
  { type: ram, create: (sectors) => ({ spec: `ram:${String(sectors * SECTOR_SIZE)}` }) },
);
