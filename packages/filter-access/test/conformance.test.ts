import { filterSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { accessOver } from '../src/access.ts';
import { access } from '../src/index.ts';

// The suite counts turns of the event loop, not time: a real file may take any number of them.
const logged = accessOver(async () => ({
  write: async (_bytes, _offset, length) => ({ bytesWritten: length }),
  datasync: async () => {},
  close: async () => {},
}));

filterSuite({ describe, it }, { type: access });
// Rules on the way of every bio, none of which refuses it.
filterSuite({ describe, it }, { type: logged, args: () => 'log=/any audit audit-all:8+100 audit:50+1' });
