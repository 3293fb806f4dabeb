import { deviceSuite } from '@interposer/conformance';
import { SECTOR_SIZE } from '@interposer/core';
import { describe, it } from 'vitest';
import { nbd } from '../src/index.ts';
import { ALL_FLAGS } from './fake-server.ts';
import { VolatileServer } from './volatile-server.ts';

deviceSuite(
  { describe, it },
  {
    type: nbd,
    persists: true,
    create: async (sectors) => {
      const server = await VolatileServer.start(sectors * SECTOR_SIZE, ALL_FLAGS);
      return {
        spec: `nbd+unix:///?socket=${server.path}&reconnect=60`,
        cleanup: () => server.stop(),
      };
    },
  },
);
