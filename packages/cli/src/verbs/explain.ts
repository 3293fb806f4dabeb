import type { Verb } from '../verb.ts';
import { drawPath } from './path-drawing.ts';

export const explain: Verb = {
  name: 'explain',
  operands: 'DEV',
  count: [1, 1],
  summary: 'Draw the path of a request through a device and all below it',
  about:
    'From the top: the filters by altitude, then the driver at the bottom, or the lines of the table with the devices they use. ' +
    'Where a filter sends requests elsewhere, as a remap does, the path goes on there; "below 200000" stands where they enter ' +
    'a device below that altitude. BIOS counts the requests that reached a layer, or entered a device wherever they did; NS/BIO ' +
    'is the mean time of the own code of a layer in nanoseconds, once there is a sample of it.',
  options: [],
  examples: [
    { command: 'interposer explain disk', about: 'What a request to disk goes through' },
    { command: 'interposer explain disk.img --json', about: 'The same for a program' },
  ],
  run: async (command) => {
    const service = await command.service();
    const path = await service.explain(command.operands[0]!);
    command.show(path, () => drawPath(path));
    return undefined;
  },
};
