import { truncateSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine, type Engine, isPluginType } from '@interposer/core';
import * as file from '@interposer/device-file';
import * as ram from '@interposer/device-ram';
import * as stats from '@interposer/filter-stats';
import * as throttle from '@interposer/filter-throttle';
import * as error from '@interposer/target-error';
import * as linear from '@interposer/target-linear';
import * as striped from '@interposer/target-striped';
import * as zero from '@interposer/target-zero';
import { onTestFinished } from 'vitest';
import { pathsFrom } from '../../src/index.ts';

const TYPES = [file, ram, stats, throttle, error, linear, striped, zero]
  .flatMap((module) => Object.values(module as Record<string, unknown>))
  .filter(isPluginType);

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'stack-file-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** An engine that takes relative paths from a folder. */
export function engineIn(folder: string): Engine {
  return createEngine({ types: pathsFrom(folder, TYPES) });
}

/** A sparse image. */
export function makeImage(path: string, mebibytes: number): void {
  writeFileSync(path, '');
  truncateSync(path, mebibytes * 2 ** 20);
}
