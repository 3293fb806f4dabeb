import { BioOp, defineTarget, opSet, type TargetType } from '@interposer/core';
import { readArguments } from './arguments.ts';
import { Mirror } from './mirror.ts';

/** The same data on two to nine devices, and a log of where they may differ. */
export const mirror: TargetType = defineTarget({
  name: 'mirror',
  version: [1, 14, 0],
  ops: opSet(BioOp.Read, BioOp.Write, BioOp.Flush, BioOp.Discard),
  params: [
    {
      name: 'log',
      kind: 'word',
      about: 'core: remembered until the table is loaded anew; disk: on a device',
    },
    {
      name: 'log_words',
      kind: 'uint',
      error: 'Invalid mirror log argument count',
      about: 'how many words of the log follow',
    },
    {
      name: 'arguments',
      kind: 'rest',
      about:
        'of the log: [<log_device>] <region_size> [sync|nosync]; of the legs: <legs> [<device> <offset>]×legs; of the features: [<features> [handle_errors] [keep_log]]',
    },
  ],
  countError: 'Insufficient mirror log arguments',
  create: async (context, args) => new Mirror(context, await readArguments(context, args)),
});
