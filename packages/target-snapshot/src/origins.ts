import type { BlockDevice } from '@interposer/core';
import { Origin } from './origin.ts';

/** By the device, which belongs to one engine. */
const origins = new WeakMap<BlockDevice, Origin>();

/** What stands on a device: the same for all who ask for the same device. */
export function originOf(device: BlockDevice): Origin {
  const known = origins.get(device);
  if (known !== undefined) return known;
  const origin = new Origin();
  origins.set(device, origin);
  return origin;
}
