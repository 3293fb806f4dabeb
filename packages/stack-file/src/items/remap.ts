import { parseAltitude } from '@interposer/core';
import { mappedName, sameDevice } from '../device-words.ts';
import type { StackRemap } from '../stack.ts';
import type { ItemKind } from './kind.ts';

/** Remaps. A mapped device stands in for one device at most. */
export const remapKind: ItemKind<StackRemap> = {
  label: ({ mapped, device }) => `remap of ${device} to ${mapped}`,
  async find(control, { mapped, device, altitude }) {
    const running = (await control.remaps()).find((one) => one.mapped === mappedName(mapped));
    if (running === undefined) return undefined;
    const remove = (): Promise<void> => control.finishRemap(mapped);
    const isThere = altitude === undefined || altitude === parseAltitude(running.altitude);
    if (isThere && (await sameDevice(control, device, running.device))) return { remove };
    return {
      remove,
      differs: { wanted: text(device, altitude), running: text(running.device, running.altitude) },
    };
  },
  async make(control, { mapped, device, altitude }) {
    await control.startRemap(mapped, device, altitude === undefined ? {} : { altitude });
    return () => control.finishRemap(mapped);
  },
};

function text(device: string, altitude: string | undefined): string {
  return altitude === undefined ? `of ${device}` : `of ${device} at altitude ${altitude}`;
}
