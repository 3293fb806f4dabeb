import { loadEngines } from '@interposer/block-cipher';
import { filterSuite, targetSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { defineCrypt, defineCryptFilter } from '../src/index.ts';

// The kit's clock waits neither for a module to be loaded nor for threads: large requests are done in turns of the event loop.
await loadEngines();
const crypt = defineCrypt({ threads: 0 });
const cryptFilter = defineCryptFilter({ threads: 0 });

const KEY = '00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210';

targetSuite(
  { describe, it },
  { type: crypt, devices: 1, table: ([disk]) => `aes-xts-plain64 ${KEY} 0 ${disk!} 8` },
);

targetSuite(
  { describe, it },
  {
    type: crypt,
    devices: 1,
    table: ([disk]) => `aes-cbc-essiv:sha256 ${KEY} 16 ${disk!} 8 2 sector_size:4096 allow_discards`,
    sectors: 1088,
  },
);

filterSuite(
  { describe, it },
  {
    type: cryptFilter,
    args: () => `aes-xts-plain64 ${KEY} 0 1 allow_discards`,
    transparent: false,
  },
);
