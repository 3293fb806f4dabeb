import type { Random } from '@interposer/conformance';
import {
  CommandFlag,
  encodeContextRequest,
  encodeInfoRequest,
  encodeOption,
  EXTENDED_REQUEST_BYTES,
  EXTENDED_REQUEST_MAGIC,
  NbdCommand,
  NbdOption,
  REQUEST_BYTES,
  REQUEST_MAGIC,
  RequestField,
} from '@interposer/nbd-protocol';
import { pattern } from './fixture.ts';

/** What a client sends in one connection. */
export interface Session {
  readonly bytes: Buffer;
  /** Options and requests in it, up to the first that ends the connection if the server is right. */
  readonly messages: number;
}

const FLAGS = Buffer.from([0, 0, 0, 3]);
const GO = encodeOption(NbdOption.Go, encodeInfoRequest({ name: '', types: [0, 1, 2, 3] }));
const STRUCTURED = encodeOption(NbdOption.StructuredReply);
const EXTENDED = encodeOption(NbdOption.ExtendedHeaders);
const CONTEXTS = encodeOption(
  NbdOption.SetMetaContext,
  encodeContextRequest({ name: '', queries: ['base:allocation'] }),
);

const LARGEST_DATA = 70_000;
const DATA = pattern(LARGEST_DATA);
const NAMES = ['', 'x', 'name/ü', 'a'.repeat(300)];
const QUERIES = ['base:', 'base:allocation', 'qemu:', '', ':', 'x-a:b', 'base:allocation'];
const OPTIONS = [3, 4, 6, 6, 8, 9, 9, 10, 10, 10, 11, 12];
const LENGTHS = [0, 1, 511, 512, 513, 4096, 4096, 40_000, 65_536, 65_537, 2 ** 20, 2 ** 32 - 1];
const OFFSETS = [0, 1, 512, 4096, 2 ** 19, 2 ** 20 - 512, 2 ** 20, 2 ** 32, 2 ** 53 - 1];
const FLAG_SETS = [1, 2, 4, 8, 16, 32, 3, 5, 40, 0xffff];
const { Read, Write, Flush, Trim, Cache, WriteZeroes, BlockStatus, Resize } = NbdCommand;
const COMMANDS = [
  Read,
  Read,
  Read,
  Write,
  Write,
  Flush,
  Trim,
  Cache,
  WriteZeroes,
  BlockStatus,
  BlockStatus,
  Resize,
];

type Dialect = 'simple' | 'structured' | 'extended';

/** A session of one of several kinds: noise, a long negotiation, or requests in one of the dialects. Mostly broken at its end. */
export function makeSession(random: Random, size: number): Session {
  const kind = random.below(20);
  if (kind === 0) return { bytes: noise(random, 1 + random.below(200)), messages: 1 };
  const pieces = kind < 5 ? negotiation(random, size) : transmission(random, size);
  const messages = pieces.length;
  if (random.chance(0.8)) pieces.push(mutate(random, pieces.at(-1)!));
  return { bytes: Buffer.concat([random.chance(0.95) ? FLAGS : noise(random, 4), ...pieces]), messages };
}

/** Random bytes. */
export function noise(random: Random, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = random.below(256);
  return bytes;
}

function negotiation(random: Random, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let i = 0; i < size; i++) {
    const data = random.chance(0.5) ? optionData(random) : mutate(random, optionData(random));
    const option = random.chance(0.9) ? random.pick(OPTIONS) : random.below(2 ** 32);
    pieces.push(encodeOption(endsNegotiation(option) ? NbdOption.Info : option, data));
  }
  return pieces;
}

function endsNegotiation(option: number): boolean {
  return option === NbdOption.ExportName || option === NbdOption.Abort || option === NbdOption.Go;
}

function optionData(random: Random): Buffer {
  const name = random.pick(NAMES);
  switch (random.below(4)) {
    case 0:
      return Buffer.alloc(0);
    case 1:
      return encodeInfoRequest({ name, types: [3, random.below(65_536)] });
    case 2:
      return encodeContextRequest({
        name: random.chance(0.7) ? '' : name,
        queries: Array.from({ length: random.below(5) }, () => random.pick(QUERIES)),
      });
    default:
      return noise(random, random.below(80));
  }
}

function transmission(random: Random, size: number): Buffer[] {
  const dialect: Dialect = random.pick(['simple', 'structured', 'structured', 'extended', 'extended']);
  const pieces: Buffer[] = [];
  if (dialect === 'structured') pieces.push(STRUCTURED);
  if (dialect === 'extended') pieces.push(EXTENDED);
  if (random.chance(0.8)) pieces.push(CONTEXTS);
  pieces.push(GO);
  for (let i = 0; i < size; i++) pieces.push(request(random, dialect === 'extended'));
  return pieces;
}

/** Whatever its fields say, as many bytes follow as they say. */
function request(random: Random, extended: boolean): Buffer {
  const command = random.chance(0.98) ? random.pick(COMMANDS) : 3 + random.below(65_533);
  let flags = random.chance(0.7) ? 0 : random.pick(FLAG_SETS);
  if (extended && command === Write) flags |= CommandFlag.PayloadLength;
  const carries = extended ? (flags & CommandFlag.PayloadLength) !== 0 : command === Write;
  let length = random.chance(0.6) ? random.pick(LENGTHS) : random.below(10_000);
  if (carries) length = random.chance(0.3) ? random.below(24) : Math.min(length, LARGEST_DATA);
  const bytes = extended ? EXTENDED_REQUEST_BYTES : REQUEST_BYTES;
  const frame = Buffer.allocUnsafe(bytes + (carries ? length : 0));
  frame.writeUInt32BE(extended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC, RequestField.Magic);
  frame.writeUInt16BE(flags, RequestField.Flags);
  frame.writeUInt16BE(command, RequestField.Type);
  frame.writeUInt32BE(random.below(2 ** 32), RequestField.Cookie);
  frame.writeUInt32BE(random.below(2 ** 32), RequestField.Cookie + 4);
  writeOffset(random, frame);
  if (extended) writeLength(random, frame, length, carries);
  else frame.writeUInt32BE(length, RequestField.Length);
  if (carries) fillPayload(random, frame, bytes, command);
  return frame;
}

function writeOffset(random: Random, frame: Buffer): void {
  const offset = random.chance(0.4) ? random.pick(OFFSETS) : random.below(2 ** 20);
  frame.writeUInt32BE(
    random.chance(0.02) ? random.below(2 ** 32) : Math.floor(offset / 2 ** 32),
    RequestField.Offset,
  );
  frame.writeUInt32BE(offset % 2 ** 32, RequestField.Offset + 4);
}

function writeLength(random: Random, frame: Buffer, length: number, carries: boolean): void {
  const high = carries || random.chance(0.95) ? 0 : random.below(2 ** 32);
  frame.writeUInt32BE(high, RequestField.Length);
  frame.writeUInt32BE(length, RequestField.Length + 4);
}

/** Of block status a length and numbers of contexts; of anything else data. */
function fillPayload(random: Random, frame: Buffer, at: number, command: number): void {
  DATA.copy(frame, at, 0, frame.length - at);
  if (command !== BlockStatus || frame.length - at < 12) return;
  frame.writeUInt32BE(0, at);
  frame.writeUInt32BE(random.pick(LENGTHS), at + 4);
  for (let id = at + 8; id + 4 <= frame.length; id += 4) frame.writeUInt32BE(random.below(3), id);
}

/** Some bytes changed, cut out, doubled or put in. */
export function mutate(random: Random, message: Buffer): Buffer {
  let bytes = Buffer.from(message);
  for (let edits = random.below(4); edits >= 0 && bytes.length > 0; edits--) {
    const at = random.below(bytes.length);
    const kind = random.below(6);
    if (kind < 3) bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
    else if (kind === 3)
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(4))]);
    else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at), noise(random, 3), bytes.subarray(at)]);
    else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(at + 1))]);
  }
  return bytes;
}
