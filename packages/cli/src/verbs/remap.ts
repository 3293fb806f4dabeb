import { mappedName } from '../mapped-names.ts';
import type { Verb } from '../verb.ts';
import { formatTable } from './text-table.ts';

export const remapStart: Verb = {
  name: 'remap start',
  operands: 'DM_DEV TARGET_DEV',
  count: [2, 2],
  summary: 'Let a mapped device stand in for a live device',
  about:
    'From now on every request to TARGET_DEV goes to DM_DEV; whoever has it open notices nothing. The table of DM_DEV may use ' +
    'TARGET_DEV itself, with noexcl: its requests enter below the altitude of the remap. DM_DEV must be at least as large.',
  options: ['altitude'],
  examples: [
    {
      command: "interposer create cover --table '0 2048 linear disk.img 0 noexcl'",
      about: 'First a device over the very disk it shall cover',
    },
    { command: 'interposer remap start cover disk.img', about: 'Then let it stand in' },
    { command: 'interposer remap start --altitude 100 cover disk.img', about: 'Below other filters' },
  ],
  run: async (command) => {
    const [mapped, device] = command.operands;
    const altitude = command.options.get('altitude');
    const service = await command.service();
    const name = await mappedName(mapped!, service);
    const remap = await service.startRemap(name, device!, altitude === undefined ? {} : { altitude });
    command.show(remap, () => `remap@${remap.altitude}\n`);
    return undefined;
  },
};

export const remapFinish: Verb = {
  name: 'remap finish',
  operands: 'DM_DEV',
  count: [1, 1],
  summary: 'End what remap start began',
  about: 'The device answers for itself again. No request fails or is lost by it.',
  options: [],
  examples: [{ command: 'interposer remap finish cover', about: 'By the mapped device' }],
  run: async (command) => {
    const service = await command.service();
    await service.finishRemap(await mappedName(command.operands[0]!, service));
    return undefined;
  },
};

export const remapLs: Verb = {
  name: 'remap ls',
  operands: '',
  count: [0, 0],
  summary: 'List the mapped devices that stand in for others',
  options: [],
  examples: [{ command: 'interposer remap ls', about: 'All of them' }],
  run: async (command) => {
    const service = await command.service();
    const remaps = await service.remaps();
    command.show(remaps, () => {
      if (remaps.length === 0) return 'No remaps found\n';
      const rows = remaps.map(({ mapped, device, altitude }) => [mapped, device, altitude]);
      return formatTable(['MAPPED', 'DEVICE', 'ALTITUDE'], rows);
    });
    return undefined;
  },
};
