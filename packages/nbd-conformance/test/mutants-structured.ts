import { NbdCommand, OptionReply } from '@interposer/nbd-protocol';
import {
  type Mutant,
  simple,
  answers,
  content,
  requests,
  extents,
  withoutDone,
  cut,
  reply,
} from './faults.ts';

const { Read, BlockStatus } = NbdCommand;

export const structuredMutants: readonly Mutant[] = [
  {
    fault: 'simple replies to reads',
    rule: 'structured.read',
    faults: requests(Read, (r) => ({ ...simple(r.cookie), payload: Buffer.alloc(Number(r.length)) })),
  },
  {
    fault: 'structured unasked',
    rule: 'read.simple',
    faults: answers(Read, (a) => [
      { ...a, kind: 'structured', type: 1, flags: 1, payload: Buffer.concat([Buffer.alloc(8), a.payload]) },
    ]),
  },
  {
    fault: 'simple errors',
    rule: 'structured.errors',
    faults: requests(0x7ad, ({ cookie }) => simple(cookie, 22)),
  },
  { fault: 'no DONE', rule: 'structured.done', faults: content((a) => [withoutDone(a)]) },
  { fault: 'a chunk flag', rule: 'structured.flags', faults: content((a) => [{ ...a, flags: a.flags | 4 }]) },
  {
    fault: 'a chunk of no data',
    rule: 'structured.chunk.shape',
    faults: content((a) => [withoutDone({ ...a, type: 1, payload: a.payload.subarray(0, 8) }), a]),
  },
  {
    fault: 'a chunk outside',
    rule: 'structured.chunk.inside',
    faults: content((a) => {
      a.payload.writeBigUInt64BE(a.payload.readBigUInt64BE(0) - 1n, 0);
      return [a];
    }),
  },
  {
    fault: 'overlapping chunks',
    rule: 'structured.chunk.overlap',
    faults: content((a) => cut(a, 4096, 512)),
  },
  {
    fault: 'a chunk too short',
    rule: 'structured.chunk.cover',
    faults: content((a) =>
      a.type === 1
        ? [{ ...a, payload: a.payload.subarray(0, -512) }]
        : [{ ...a, type: 1, payload: a.payload.subarray(0, 9) }],
    ),
  },
  {
    fault: 'odd chunks',
    rule: 'structured.chunk.multiple',
    faults: content((a) =>
      a.type === 1
        ? cut(a, 1000, 0)
        : [{ ...a, payload: Buffer.concat([Buffer.from('00000000000003e8', 'hex'), a.payload.subarray(8)]) }],
    ),
  },
  {
    fault: 'a strange chunk',
    rule: 'structured.types',
    faults: content((a) => [withoutDone({ ...a, type: 99 }), a]),
  },
  {
    fault: 'DF in pieces',
    rule: 'df.one-chunk',
    faults: content((a) => (a.type === 1 ? cut(a, 4096, 0) : [withoutDone(a), a])),
  },
  {
    fault: 'a text that does not fit',
    rule: 'structured.error.shape',
    faults: answers(Read, (a) => {
      if (a.type >= 0x8000) a.payload.writeUInt16BE(4000, 4);
      return [a];
    }),
  },
  {
    fault: 'ids of its own',
    rule: 'status.contexts',
    faults: answers(BlockStatus, (a) => {
      if (a.type === 5) a.payload.writeUInt32BE(77, 0);
      return [a];
    }),
  },
  { fault: 'empty extents', rule: 'status.extents', faults: extents((pairs) => [[0, 0], ...pairs]) },
  {
    fault: 'two extents for REQ_ONE',
    rule: 'status.one.count',
    faults: extents(([first]) => [
      [512, 0],
      [(first?.[0] ?? 0) - 512, 3],
    ]),
  },
  { fault: 'REQ_ONE is too long', rule: 'status.one.length', faults: extents(() => [[65536, 0]]) },
  { fault: 'extents far beyond', rule: 'status.last', faults: extents((pairs) => [...pairs, ...pairs]) },
  { fault: 'extents beyond the end', rule: 'status.inside', faults: extents(() => [[2 ** 30, 0]]) },
  {
    fault: 'odd extents',
    rule: 'status.multiple',
    faults: extents(() => [
      [100, 0],
      [412, 3],
    ]),
  },
  {
    fault: 'extents alike',
    rule: 'status.different',
    faults: extents(() => [
      [512, 0],
      [512, 0],
    ]),
  },
  {
    fault: 'flags of the future',
    rule: 'status.allocation.flags',
    faults: extents((pairs) => pairs.map(([length]) => [length, 8])),
  },
  {
    fault: 'data said to be zero',
    rule: 'status.allocation.data',
    faults: extents((pairs) => pairs.map(([length]) => [length, 3])),
  },
  {
    fault: 'SET selects twice',
    rule: 'context.set.twice',
    faults: { optionReply: (m) => (m.type === OptionReply.MetaContext ? [m, m] : [m]) },
  },
  {
    fault: 'SET of a wildcard fails',
    rule: 'context.set.base',
    faults: {
      option: (option, data) =>
        option === 10 && data.subarray(-5).toString() === 'base:' ? reply(10, OptionReply.ErrInvalid) : data,
    },
  },
  {
    fault: 'ids in LIST',
    rule: 'context.list.id',
    faults: {
      optionReply(m) {
        if (m.option === 9 && m.type === OptionReply.MetaContext) m.data.writeUInt32BE(5, 0);
        return [m];
      },
    },
  },
  {
    fault: 'a name without colon',
    rule: 'context.names',
    faults: {
      optionReply: (m) => [
        m.type === OptionReply.MetaContext ? { ...m, data: Buffer.from('\0\0\0\0name') } : m,
      ],
    },
  },
  {
    fault: 'malformed queries are fine',
    rule: 'context.malformed.query',
    faults: { option: (option, data) => (option === 9 ? reply(9, 1) : data) },
  },
];
