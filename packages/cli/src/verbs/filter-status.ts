import { fail, type FilterInfo, parseAltitude } from '@interposer/core';
import type { Verb } from '../verb.ts';

export const filterStatus: Verb = {
  name: 'filter status',
  operands: '[DEV [TYPE|ALTITUDE|TYPE@ALTITUDE]]',
  count: [0, 2],
  summary: 'Print the state of filters',
  about: 'A line for each, from the highest down: device, altitude, type, and what the type tells of itself.',
  options: [],
  examples: [
    { command: 'interposer filter status', about: 'All filters' },
    { command: 'interposer filter status disk throttle', about: 'One of them' },
  ],
  run: async (command) => {
    const [device, which] = command.operands;
    const service = await command.service();
    const filters = await service.filters(device);
    const asked = which === undefined ? filters : filters.filter(matcher(which));
    if (which !== undefined && asked.length === 0) throw fail('ENOENT', `no filter ${which} on ${device!}`);
    command.show(asked, () => (asked.length === 0 ? 'No filters found\n' : asked.map(line).join('')));
    return undefined;
  },
};

/** As `filter detach` takes it. */
function matcher(which: string): (filter: FilterInfo) => boolean {
  const [type, altitude]: readonly (string | undefined)[] = /^\d/.test(which)
    ? [undefined, which]
    : which.split('@');
  const at = altitude === undefined ? undefined : parseAltitude(altitude);
  return (filter) =>
    (type === undefined || filter.type === type) && (at === undefined || filter.altitude === at);
}

function line({ device, altitude, type, status }: FilterInfo): string {
  return `${`${device}: ${altitude} ${type} ${status}`.trimEnd()}\n`;
}
