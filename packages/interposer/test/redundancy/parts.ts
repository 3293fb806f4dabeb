import { type Clock, createEngine, type Engine, systemClock } from '@interposer/core';
import { file } from '@interposer/device-file';
import { delay } from '@interposer/target-delay';
import { mirror } from '@interposer/target-mirror';
import { snapshot, snapshotMerge, snapshotOrigin } from '@interposer/target-snapshot';

/** Milliseconds that an edit waits for requests, on a busy machine. */
const DRAIN_TIMEOUT = 60_000;

/** An engine over image files, whose time goes so many times as fast as it does. */
export function fileEngine(haste = 1): Engine {
  const clock: Clock = {
    now: () => systemClock.now() * haste,
    after: (milliseconds, callback) => systemClock.after(milliseconds / haste, callback),
  };
  return createEngine({
    types: [file, delay, mirror, snapshot, snapshotMerge, snapshotOrigin],
    clock,
    drainTimeout: DRAIN_TIMEOUT * haste,
  });
}
