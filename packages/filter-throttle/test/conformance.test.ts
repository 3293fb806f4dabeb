import { filterSuite } from '@interposer/conformance';
import { describe, it } from 'vitest';
import { throttle } from '../src/index.ts';

filterSuite({ describe, it }, { type: throttle });
filterSuite({ describe, it }, { type: throttle, args: () => 'iops=2000 write-bps=10M burst=0' });
filterSuite(
  { describe, it },
  { type: throttle, args: () => 'read-iops=3000 bps=20M write-iops=5000 burst=0.02' },
);
