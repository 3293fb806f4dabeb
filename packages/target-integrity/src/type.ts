import { BioOp, defineTarget, opSet, type TargetType } from '@interposer/core';
import { Integrity } from './integrity.ts';
import { openDevice } from './open-device.ts';

/** Integrity data beside each block of a device, for `crypt` to keep tags and IVs in, as the kernel's dm-integrity does. */
export const integrity: TargetType = defineTarget({
  name: 'integrity',
  version: [1, 13, 0],
  ops: opSet(BioOp.Read, BioOp.Write, BioOp.Flush),
  features: { singleton: true },
  params: [
    { name: 'device', kind: 'device', about: 'the device below' },
    {
      name: 'offset',
      kind: 'sector',
      error: 'Invalid starting offset',
      about: 'sectors at its start that are left alone',
    },
    { name: 'tag_size', kind: 'word', about: 'bytes kept beside each block, at most 255' },
    { name: 'mode', kind: 'word', about: '`D`: data and tags are written directly; `R`: nothing is written' },
    { name: 'count', kind: 'word', about: 'how many options follow' },
    { name: 'options', kind: 'rest', about: 'the options' },
  ],
  countError: 'Invalid argument count',
  create: async (context, args) => new Integrity(context, await openDevice(context, args)),
});
