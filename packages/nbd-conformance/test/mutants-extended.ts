import { NbdCommand } from '@interposer/nbd-protocol';
import { type Mutant, simple, requests, reply } from './faults.ts';

const { WriteZeroes } = NbdCommand;

export const extendedMutants: readonly Mutant[] = [
  {
    fault: 'another offset',
    rule: 'extended.offset',
    faults: { answer: (a) => [{ ...a, offset: a.offset + 1n }] },
  },
  {
    fault: 'simple replies',
    rule: 'extended.replies',
    faults: requests(0x7ad, ({ cookie }) => simple(cookie, 22)),
  },
  {
    fault: 'lengths of 32 bits',
    rule: 'extended.zeroes.range',
    faults: requests(WriteZeroes, (r) => ({ ...r, length: r.length & 0xffffffffn })),
  },
  {
    fault: 'STRUCTURED_REPLY after it',
    rule: 'extended.structured-after',
    faults: { option: (option, data) => (option === 8 ? reply(8, 1) : data) },
  },
];
