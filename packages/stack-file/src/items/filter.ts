import { type FilterInfo, parseAltitude, splitWords } from '@interposer/core';
import { sameWords } from '../compare-words.ts';
import { ifThere, mappedName } from '../device-words.ts';
import type { Stack, StackFilter } from '../stack.ts';
import type { StackControl } from '../stack-control.ts';
import { wantedText } from '../wanted-text.ts';
import type { ItemKind } from './kind.ts';

/** Filters. One with an altitude is what stands there; one without is a filter of its type that no other item names. */
export const filterKind: ItemKind<StackFilter> = {
  label: ({ device, type, altitude }) => `filter ${nameOf(type, altitude)} on ${device}`,
  async find(control, item, stack) {
    const running = await pick(control, item, stack);
    if (running === undefined) return undefined;
    const { type, altitude } = running;
    const isItsType = type === item.type;
    const remove = (): Promise<void> => control.detachFilter(item.device, nameOf(type, altitude));
    if (isItsType && (await sameWords(control, item.words, splitWords(running.args)))) return { remove };
    const words = splitWords(await shownArgs(control, item.device, running));
    const differs = {
      wanted: wantedText(item, { type, words }),
      running: [type, ...words].join(' '),
    };
    return isItsType ? { remove, differs } : { differs };
  },
  async make(control, { device, filter }) {
    const { type, altitude } = await control.attachFilter(device, filter);
    return () => control.detachFilter(device, nameOf(type, altitude));
  },
};

/** Its arguments as a message may tell them: without keys. */
async function shownArgs(control: StackControl, device: string, running: FilterInfo): Promise<string> {
  const shown = await control.filters(device);
  return shown.find(({ altitude }) => altitude === running.altitude)?.args ?? '';
}

function nameOf(type: string, altitude: string | undefined): string {
  return altitude === undefined ? type : `${type}@${altitude}`;
}

/** The running filter that an item means, with its keys. */
async function pick(control: StackControl, item: StackFilter, stack: Stack): Promise<FilterInfo | undefined> {
  const filters = (await ifThere(control.filters(item.device, { showKeys: true }))) ?? [];
  if (item.altitude !== undefined) {
    return filters.find(({ altitude }) => parseAltitude(altitude) === item.altitude);
  }
  const taken = altitudesNamed(item.device, stack);
  const free = filters.filter(
    ({ type, altitude }) => type === item.type && !taken.has(parseAltitude(altitude)),
  );
  for (const one of free) {
    if (await sameWords(control, item.words, splitWords(one.args))) return one;
  }
  return free[0];
}

/** Altitudes of a device that other items name. */
function altitudesNamed(device: string, { items }: Stack): Set<string> {
  return new Set(
    items.flatMap((item) =>
      item.kind === 'filter' && mappedName(item.device) === mappedName(device) && item.altitude !== undefined
        ? [item.altitude]
        : [],
    ),
  );
}
