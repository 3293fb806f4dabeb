import { InfoType, NbdCommand, OptionReply } from '@interposer/nbd-protocol';
import type { Faults, OptionReplyMessage } from './proxy.ts';
import type { Answer, Request } from './proxy-messages.ts';

/** A server with one fault, and the rule that names it. */
export interface Mutant {
  readonly fault: string;
  readonly rule: string;
  readonly faults: Faults;
}

export function simple(cookie: bigint, error = 0): Answer {
  return { kind: 'simple', flags: 0, type: 0, error, cookie, offset: 0n, payload: Buffer.alloc(0) };
}

/** Changes the information of one type in replies to one option. */
export function info(option: number | null, type: number, change: (data: Buffer) => void): Faults {
  return {
    optionReply(reply) {
      const fits = option === null || reply.option === option;
      if (fits && reply.type === OptionReply.Info && reply.data.readUInt16BE(0) === type) change(reply.data);
      return [reply];
    },
  };
}

/** Another final reply to an option. */
export function final(option: number, type: number, data: Buffer = Buffer.alloc(0)): Faults {
  return {
    optionReply: (reply) =>
      reply.option === option && (reply.type === 1 || reply.type >= 2 ** 31)
        ? [{ option, type, data }]
        : [reply],
  };
}

/** Changes answers to requests of one type. */
export function answers(type: number, change: (answer: Answer, request: Request) => Answer[]): Faults {
  return {
    answer: (answer, request) => (request?.type === type ? change(answer, request) : [answer]),
  };
}

/** Changes the content chunks of structured reads. */
export function content(change: (answer: Answer, request: Request) => Answer[]): Faults {
  return answers(NbdCommand.Read, (answer, request) =>
    answer.type === 1 || answer.type === 2 ? change(answer, request) : [answer],
  );
}

export function requests(type: number, change: (request: Request) => Request | 'close' | Answer): Faults {
  return { request: (request) => (request.type === type ? change(request) : request) };
}

/** Changes the extents of one answer to BLOCK_STATUS: pairs of a length and flags. */
export function extents(change: (pairs: [number, number][], request: Request) => [number, number][]): Faults {
  return answers(NbdCommand.BlockStatus, (answer, request) => {
    if (answer.type !== 5) return [answer];
    const pairs: [number, number][] = [];
    for (let at = 4; at < answer.payload.length; at += 8) {
      pairs.push([answer.payload.readUInt32BE(at), answer.payload.readUInt32BE(at + 4)]);
    }
    const changed = change(pairs, request);
    const payload = Buffer.alloc(4 + 8 * changed.length);
    answer.payload.copy(payload, 0, 0, 4);
    changed.forEach(([length, flags], index) => {
      payload.writeUInt32BE(length, 4 + 8 * index);
      payload.writeUInt32BE(flags, 8 + 8 * index);
    });
    return [{ ...answer, payload }];
  });
}

export function withoutDone(answer: Answer): Answer {
  return { ...answer, flags: answer.flags & ~1 };
}

/** The start of a data chunk, and the rest of it from some bytes before its end. */
export function cut(answer: Answer, at: number, again: number): Answer[] {
  if (answer.type !== 1) return [answer];
  const [head, data] = [answer.payload.subarray(0, 8), answer.payload.subarray(8)];
  const second = Buffer.from(head);
  second.writeBigUInt64BE(head.readBigUInt64BE(0) + BigInt(at - again), 0);
  return [
    withoutDone({ ...answer, payload: Buffer.concat([head, data.subarray(0, at)]) }),
    { ...answer, payload: Buffer.concat([second, data.subarray(at - again)]) },
  ];
}

export function reply(option: number, type: number): OptionReplyMessage {
  return { option, type, data: Buffer.alloc(0) };
}

export const flagsOf = (change: (flags: number) => number): Faults =>
  info(null, InfoType.Export, (data) => data.writeUInt16BE(change(data.readUInt16BE(10)), 10));
