import { NbdCommand } from '@interposer/nbd-protocol';
import { type Mutant, simple, answers, requests } from './faults.ts';

const { Read, Write, Disconnect, Flush, Cache, WriteZeroes, Trim } = NbdCommand;

export const transmissionMutants: readonly Mutant[] = [
  {
    fault: 'cookies lose a bit',
    rule: 'cookie.echo',
    faults: { answer: (answer) => [{ ...answer, cookie: answer.cookie & ~(1n << 63n) }] },
  },
  { fault: 'answers twice', rule: 'cookie.many', faults: answers(Read, (answer) => [answer, answer]) },
  {
    fault: 'ENOSPC for reads',
    rule: 'read.range.beyond',
    faults: answers(Read, (a) => [{ ...a, error: a.error && 28 }]),
  },
  {
    fault: 'errno of its own',
    rule: 'error.defined',
    faults: answers(Read, (a) => [{ ...a, error: a.error && 38 }]),
  },
  {
    fault: 'EOVERFLOW anywhere',
    rule: 'error.overflow',
    faults: answers(Read, (a) => [{ ...a, error: a.error && 75 }]),
  },
  { fault: 'closes on a bad command', rule: 'command.unknown.next', faults: requests(0x7ad, () => 'close') },
  {
    fault: 'a bad command is fine',
    rule: 'command.unknown',
    faults: requests(0x7ad, ({ cookie }) => simple(cookie)),
  },
  {
    fault: 'ignores flags',
    rule: 'read.flag.unknown',
    faults: requests(Read, (r) => ({ ...r, flags: r.flags & 1 })),
  },
  {
    fault: 'refuses FUA',
    rule: 'read.flag.fua',
    faults: requests(Read, (r) => ((r.flags & 1) !== 0 ? simple(r.cookie, 22) : r)),
  },
  {
    fault: 'closes on a read of nothing',
    rule: 'read.length-0',
    faults: requests(Read, (r) => (r.length === 0n ? 'close' : r)),
  },
  {
    fault: 'reads elsewhere',
    rule: 'read.unaligned',
    faults: requests(Read, (r) => ({ ...r, offset: r.offset & ~511n })),
  },
  {
    fault: 'data after an error',
    rule: 'read.failed.next',
    faults: answers(Read, (a) => [a.error === 0 ? a : { ...a, payload: Buffer.alloc(512) }]),
  },
  {
    fault: 'answers DISC',
    rule: 'disconnect.closes',
    faults: requests(Disconnect, ({ cookie }) => simple(cookie)),
  },
  {
    fault: 'DISC is hard',
    rule: 'disconnect.finishes',
    faults: { ...requests(Disconnect, () => 'close'), answer: () => [] },
  },
  {
    fault: 'FLUSH fails',
    rule: 'flush.succeeds',
    faults: requests(Flush, ({ cookie }) => simple(cookie, 22)),
  },
  {
    fault: 'FLUSH takes flags',
    rule: 'flush.flag.foreign',
    faults: requests(Flush, (r) => ({ ...r, flags: 0 })),
  },
  {
    fault: 'CACHE takes flags',
    rule: 'cache.flag.unknown',
    faults: requests(Cache, (r) => ({ ...r, flags: 0 })),
  },
  {
    fault: 'EINVAL for writes',
    rule: 'write.range.beyond',
    faults: answers(Write, (a) => [{ ...a, error: a.error && 22 }]),
  },
  {
    fault: 'forgets writes',
    rule: 'write.reads-back',
    faults: requests(Write, ({ cookie }) => simple(cookie)),
  },
  {
    fault: 'writes elsewhere',
    rule: 'write.many',
    faults: requests(Write, (r) => ({ ...r, offset: r.offset & ~8191n })),
  },
  {
    fault: 'WRITE takes flags',
    rule: 'write.flag.foreign',
    faults: requests(Write, (r) => ({ ...r, flags: r.flags & 1 })),
  },
  {
    fault: 'forgets zeroes',
    rule: 'zeroes.reads-zero',
    faults: requests(WriteZeroes, ({ cookie }) => simple(cookie)),
  },
  {
    fault: 'zeroes whole sectors',
    rule: 'zeroes.unaligned',
    faults: requests(WriteZeroes, (r) => ({ ...r, length: (r.length + 511n) & ~511n })),
  },
  {
    fault: 'ENOTSUP unasked',
    rule: 'zeroes.slow',
    faults: requests(WriteZeroes, ({ cookie }) => simple(cookie, 95)),
  },
  {
    fault: 'fast zeroes fail otherwise',
    rule: 'zeroes.fast',
    faults: requests(WriteZeroes, (r) => ((r.flags & 16) !== 0 ? simple(r.cookie, 22) : r)),
  },
  {
    fault: 'NO_HOLE refused',
    rule: 'zeroes.no-hole',
    faults: requests(WriteZeroes, (r) => ((r.flags & 2) !== 0 ? simple(r.cookie, 22) : r)),
  },
  {
    fault: 'trims too much',
    rule: 'trim.succeeds',
    faults: requests(Trim, (r) => ({ ...r, offset: 0n, length: 65536n })),
  },
  {
    fault: 'ENOSPC for trims',
    rule: 'trim.range',
    faults: answers(Trim, (a) => [{ ...a, error: a.error && 28 }]),
  },
];
