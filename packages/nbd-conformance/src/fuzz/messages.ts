import {
  ALLOCATION_CONTEXT,
  CommandFlag,
  encodeClientFlags,
  encodeContextRequest,
  encodeInfoRequest,
  encodeOption,
  NbdCommand,
  NbdOption,
} from '@interposer/nbd-protocol';
import { encodeRequest, type Mode, type Sent } from '../request.ts';
import type { Random } from './random.ts';

/** The export that conversations are about. */
export interface Ground {
  readonly exportName: string;
  readonly size: number;
}

/** What writes carry. */
export const PAYLOAD_BYTE = 0xa5;

/** What is sent only where a server must drop it: it never belongs in a reply. */
export const POISON_BYTE = 0xe7;

const QUERIES = [ALLOCATION_CONTEXT, 'base:', 'x-none:', 'qemu:dirty-bitmap:a', 'nocolon', ''] as const;

/** The messages of a valid conversation: a handshake, and mostly requests after it. */
export function makeConversation(random: Random, ground: Ground): Buffer[] {
  const parts = [encodeClientFlags(random.pick([3, 3, 3, 1, 2, 0]))];
  let mode: Mode = 'simple';
  for (let count = random.below(5); count > 0; count--) {
    const option = random.pick(HAGGLING);
    if (option === NbdOption.ExtendedHeaders) mode = 'extended';
    if (option === NbdOption.StructuredReply && mode === 'simple') mode = 'structured';
    parts.push(encodeOption(option, optionData(random, option, ground)));
  }
  if (random.once(8)) return parts;
  const last = random.pick([NbdOption.Go, NbdOption.Go, NbdOption.Go, NbdOption.ExportName, NbdOption.Abort]);
  parts.push(encodeOption(last, optionData(random, last, ground)));
  const requests = Array.from({ length: random.below(8) }, (_, index) => makeRequest(random, ground, index));
  for (const request of requests) parts.push(encodeRequest(request, mode, dataOf(request)));
  return parts;
}

const HAGGLING = [
  NbdOption.List,
  NbdOption.Info,
  NbdOption.StructuredReply,
  NbdOption.StructuredReply,
  NbdOption.ExtendedHeaders,
  NbdOption.ListMetaContext,
  NbdOption.SetMetaContext,
  NbdOption.SetMetaContext,
  NbdOption.PeekExport,
  NbdOption.StartTls,
  0x7ead,
] as const;

function optionData(random: Random, option: number, { exportName }: Ground): Buffer {
  const name = random.once(16) ? 'another' : exportName;
  switch (option) {
    case NbdOption.Info:
    case NbdOption.Go:
      return encodeInfoRequest({ name, types: [0, 1, 2, 3, 4].slice(random.below(5)) });
    case NbdOption.ExportName:
      return Buffer.from(name);
    case NbdOption.ListMetaContext:
    case NbdOption.SetMetaContext: {
      const queries = Array.from({ length: random.below(4) }, () => random.pick(QUERIES));
      return encodeContextRequest({ name, queries });
    }
    default:
      return random.once(4) ? Buffer.alloc(random.below(64), PAYLOAD_BYTE) : Buffer.alloc(0);
  }
}

const COMMANDS = [
  NbdCommand.Read,
  NbdCommand.Read,
  NbdCommand.Read,
  NbdCommand.Write,
  NbdCommand.Flush,
  NbdCommand.Trim,
  NbdCommand.Cache,
  NbdCommand.WriteZeroes,
  NbdCommand.BlockStatus,
  NbdCommand.Disconnect,
] as const;

const FLAGS = [
  0,
  0,
  0,
  CommandFlag.Fua,
  CommandFlag.NoHole,
  CommandFlag.Df,
  CommandFlag.ReqOne,
  0x10,
] as const;

function makeRequest(random: Random, { size }: Ground, index: number): Sent {
  const type = random.pick(COMMANDS);
  const flags = random.pick(FLAGS) | (type === NbdCommand.Write ? CommandFlag.PayloadLength : 0);
  const length = random.once(4) ? random.below(70_000) : random.below(16) * 512;
  const unit = random.once(4) ? 1 : 512;
  const offset = random.below(Math.floor(size / unit) + 8) * unit;
  const cookie = (BigInt(random.below(2 ** 32)) << 32n) | BigInt(index);
  return { type, flags, offset: BigInt(offset), length: BigInt(length), cookie };
}

function dataOf({ type, length }: Sent): Buffer | undefined {
  return type === NbdCommand.Write ? Buffer.alloc(Number(length), PAYLOAD_BYTE) : undefined;
}

/** A conversation that fills the server's buffers with poison, all of which it has to drop. */
export function makePoison({ exportName, size }: Ground): Buffer {
  const poison = Buffer.alloc(40_000, POISON_BYTE);
  const write = {
    type: NbdCommand.Write,
    flags: 0,
    offset: BigInt(size),
    length: BigInt(poison.length),
    cookie: 1n,
  };
  return Buffer.concat([
    encodeClientFlags(3),
    encodeOption(0x7ead, poison),
    encodeOption(NbdOption.Go, encodeInfoRequest({ name: exportName, types: [] })),
    encodeRequest(write, 'simple', poison),
  ]);
}
