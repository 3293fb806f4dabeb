import type { Progress } from '@interposer/core';
import { followActivity } from '../activity-display.ts';
import { CommandFailure } from '../failure.ts';
import type { Service } from '../service.ts';
import type { Command } from '../verb.ts';

/** `wait --progress`: until what a device does by itself is over. */
export async function waitForProgress(command: Command): Promise<undefined> {
  const [device] = command.operands;
  if (device === undefined || command.operands.length > 1) throw new CommandFailure(['No device specified.']);
  const service = await command.service();
  // As the engine calls it: a path may lead to it by many ways.
  const { name } = (await service.explain(device)).device;
  let merges = false;
  await followActivity(command, name, async () => {
    const merge = await mergeInto(service, name);
    if (merge !== undefined) merges = true;
    // A merge that failed is still there; one that is not there any more is over.
    return merge ?? (merges ? undefined : progressOf(service, name));
  });
}

/** The merge of a snapshot, by its own name or one of those of its device. */
async function mergeInto(service: Service, name: string): Promise<Progress | undefined> {
  const found = (await service.snapshots()).find(
    (snapshot) =>
      snapshot.merge !== undefined && [snapshot.name, snapshot.device, snapshot.origin].includes(name),
  );
  return found?.merge === undefined ? undefined : { activity: 'merge', ...found.merge };
}

/** Of all rows of a mapped device together; undefined where there is nothing to wait for. */
async function progressOf(service: Service, name: string): Promise<Progress | undefined> {
  const isMapped = (await service.list()).some((device) => device.name === name);
  const rows = isMapped ? await service.progress(name) : [];
  const [first] = rows;
  if (first === undefined) return undefined;
  const failure = rows.find((row) => row.failure !== undefined)?.failure;
  return {
    activity: first.activity,
    done: rows.reduce((sum, row) => sum + row.done, 0),
    total: rows.reduce((sum, row) => sum + row.total, 0),
    ...(failure === undefined ? {} : { failure }),
  };
}
