import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SECTOR_SIZE } from '@interposer/core';
import { type DeviceUnderTest, deviceSuite } from '@interposer/conformance';
import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import { file } from '../src/index.ts';
import { BOTH_WAYS } from './tools.ts';

/** A sparse image in a folder of its own. */
function create(sectors: number): DeviceUnderTest {
  const directory = mkdtempSync(join(tmpdir(), 'interposer-file-'));
  const spec = join(directory, 'disk.img');
  const fd = openSync(spec, 'w');
  ftruncateSync(fd, sectors * SECTOR_SIZE);
  closeSync(fd);
  return { spec, cleanup: () => rmSync(directory, { recursive: true }) };
}

describe.each(BOTH_WAYS)('%s', (_, noFfi) => {
  beforeAll(() => {
    vi.stubEnv('INTERPOSER_NO_FFI', noFfi);
  });

  afterAll(() => {
    vi.unstubAllEnvs();
  });

  deviceSuite({ describe, it }, { type: file, create, persists: true });
});
