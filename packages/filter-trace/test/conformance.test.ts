import { filterSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { traceOver } from '../src/trace.ts';
import { MemoryFiles } from './memory-files.ts';

// The suite's time is virtual, that of a disk is not.
const { open } = new MemoryFiles();
let files = 0;

filterSuite({ describe, it }, { type: traceOver(open), args: () => `/${String(files++)}.trace sample=2` });
