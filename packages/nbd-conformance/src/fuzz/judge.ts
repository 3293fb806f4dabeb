import {
  ChunkType,
  decodeGreeting,
  decodeOptionReplyHeader,
  EXTENDED_REPLY_MAGIC,
  GREETING_BYTES,
  NbdOption,
  OPTION_REPLY_HEADER_BYTES,
  OptionReply,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from '@interposer/nbd-protocol';
import { POISON_BYTE } from './messages.ts';

const GREETING = 'NBDMAGICIHAVEOPT';
const POISON = Buffer.alloc(8, POISON_BYTE);

/**
 * What is wrong with all the bytes that a server sent in one conversation; null if nothing is. `snapshot` is what
 * the export holds, null if that changes. After EXPORT_NAME, and after a simple reply that may have data, the rest cannot be
 * told apart and only poison is looked for.
 */
export function judge(came: Buffer, snapshot: Buffer | null): string | null {
  if (came.includes(POISON)) return 'a reply has bytes that were never on the export';
  // A connection may break before the greeting is out.
  if (came.length < GREETING_BYTES && GREETING.startsWith(came.toString('latin1', 0, 16))) return null;
  if (came.length < GREETING_BYTES || decodeGreeting(came) === null) return 'the greeting is malformed';
  const options = judgeOptions(came);
  return typeof options === 'string' ? options : judgeReplies(came, options, snapshot);
}

/** The part of the bytes that is about options. */
interface Options {
  /** Where the transmission phase begins; the end of the bytes if it does not. */
  readonly end: number;
  /** Structured replies or extended headers are agreed: simple replies have no data. */
  readonly structured: boolean;
}

function judgeOptions(came: Buffer): Options | string {
  let at = GREETING_BYTES;
  let structured = false;
  while (at + OPTION_REPLY_HEADER_BYTES <= came.length) {
    const header = decodeOptionReplyHeader(came.subarray(at, at + OPTION_REPLY_HEADER_BYTES));
    // Only EXPORT_NAME is answered with something else.
    if (header === null) break;
    const { option, type, length } = header;
    if (type === 0 || (type > OptionReply.MetaContext && type < 2 ** 31)) {
      return `an option is answered with type ${String(type)}`;
    }
    at += OPTION_REPLY_HEADER_BYTES + length;
    if (type !== OptionReply.Ack) continue;
    if (option === NbdOption.StructuredReply || option === NbdOption.ExtendedHeaders) structured = true;
    if (option === NbdOption.Go) return { end: at, structured };
  }
  return { end: came.length, structured };
}

function judgeReplies(came: Buffer, options: Options, snapshot: Buffer | null): string | null {
  let at = options.end;
  while (at + 16 <= came.length) {
    const magic = came.readUInt32BE(at);
    if (magic === SIMPLE_REPLY_MAGIC) {
      const error = came.readUInt32BE(at + 4);
      // A read, or what a mutation made one, has data of a length that nobody knows.
      if (!options.structured && error === 0) return null;
      at += 16;
      continue;
    }
    const extended = magic === EXTENDED_REPLY_MAGIC;
    if (!extended && magic !== STRUCTURED_REPLY_MAGIC) return `0x${magic.toString(16)} starts no reply`;
    const header = extended ? 32 : 20;
    if (at + header > came.length) return null;
    const length = extended ? Number(came.readBigUInt64BE(at + 24)) : came.readUInt32BE(at + 16);
    const payload = came.subarray(at + header, at + header + length);
    const type = came.readUInt16BE(at + 6);
    if (type === ChunkType.OffsetData && payload.length >= 8 && snapshot !== null) {
      const offset = Number(payload.readBigUInt64BE(0));
      const data = payload.subarray(8);
      const wanted = snapshot.subarray(offset, offset + data.length);
      if (!data.equals(wanted)) return `the data read at ${String(offset)} are not those of the export`;
    }
    at += header + length;
  }
  return null;
}
