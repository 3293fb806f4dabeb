import { describe, expect, it } from 'vitest';
import {
  ChunkFlag,
  ChunkType,
  decodeBlockStatus,
  decodeChunkError,
  decodeChunkHeader,
  decodeContextReply,
  decodeContextRequest,
  encodeBlockStatus,
  encodeChunk,
  encodeChunkError,
  encodeContextReply,
  encodeContextRequest,
  encodeExtendedBlockStatus,
  writeExtendedRequest,
} from '../src/index.ts';

const hex = (bytes: Buffer): string => bytes.toString('hex');
const cookie = { cookieHigh: 0x01020304, cookieLow: 0x05060708 };

/*
 * The bytes are those of the protocol document, not of this code.
 */
describe('reply chunks', () => {
  it('a structured one', () => {
    const header = { flags: ChunkFlag.Done, type: ChunkType.OffsetData, ...cookie };
    const chunk = encodeChunk(header, Buffer.from('abc'));
    expect(hex(chunk)).toBe('668e33ef00010001010203040506070800000003616263');
    expect(decodeChunkHeader(chunk)).toEqual({ ...header, length: 3 });
  });

  it('an extended one, with the offset of the request', () => {
    const header = { flags: 0, type: ChunkType.None, ...cookie, offset: 2 ** 33 };
    const chunk = encodeChunk(header, Buffer.alloc(0));
    expect(hex(chunk)).toBe('6e8a278c00000000010203040506070800000002000000000000000000000000');
    expect(decodeChunkHeader(chunk)).toEqual({ ...header, length: 0 });
  });

  it('what has another magic number is none', () => {
    expect(decodeChunkHeader(Buffer.alloc(32))).toBe(null);
  });

  it('an error, and one with its offset', () => {
    expect(hex(encodeChunkError({ error: 22, message: 'no' }))).toBe('0000001600026e6f');
    const located = { error: 5, message: 'bad', offset: 512 };
    expect(hex(encodeChunkError(located))).toBe('0000000500036261640000000000000200');
    expect(decodeChunkError(ChunkType.ErrorOffset, encodeChunkError(located))).toEqual(located);
  });

  it.each([
    ['no error', ChunkType.Error, '000000000000'],
    ['a text that is cut off', ChunkType.Error, '0000000500026e'],
    ['bytes behind the text', ChunkType.Error, '0000000500016e6f'],
    ['no offset', ChunkType.ErrorOffset, '0000000500016e'],
    ['a text with a zero', ChunkType.Error, '00000005000100'],
    ['too short', ChunkType.Error, '0000000500'],
  ])('an error chunk that has %s is malformed', (_, type, bytes) => {
    expect(decodeChunkError(type, Buffer.from(bytes, 'hex'))).toBe(null);
  });
});

describe('block status', () => {
  const extents = [
    { length: 4096, flags: 3 },
    { length: 512, flags: 0 },
  ];

  it('has 32-bit lengths in a structured chunk', () => {
    const payload = encodeBlockStatus(7, extents);
    expect(hex(payload)).toBe('0000000700001000000000030000020000000000');
    expect(decodeBlockStatus(ChunkType.BlockStatus, payload)).toEqual({ id: 7, extents });
  });

  it('has a count and 64-bit lengths in an extended one', () => {
    const large = [{ length: 2 ** 40, flags: 2 }];
    const payload = encodeExtendedBlockStatus(1, large);
    expect(hex(payload)).toBe('000000010000000100000100000000000000000000000002');
    expect(decodeBlockStatus(ChunkType.BlockStatusExtended, payload)).toEqual({ id: 1, extents: large });
  });

  it.each([
    ['no extents', ChunkType.BlockStatus, '00000007'],
    ['half an extent', ChunkType.BlockStatus, '0000000700001000'],
    ['an empty extent', ChunkType.BlockStatus, '000000070000000000000003'],
    ['another count', ChunkType.BlockStatusExtended, '000000010000000200000100000000000000000000000002'],
  ])('is malformed with %s', (_, type, bytes) => {
    expect(decodeBlockStatus(type, Buffer.from(bytes, 'hex'))).toBe(null);
  });
});

describe('metadata contexts', () => {
  it('a request names the export and the queries', () => {
    const request = { name: 'd', queries: ['base:', 'x:y'] };
    const data = encodeContextRequest(request);
    expect(hex(data)).toBe('00000001640000000200000005626173653a00000003783a79');
    expect(decodeContextRequest(data)).toEqual(request);
    expect(decodeContextRequest(encodeContextRequest({ name: '', queries: [] }))).toEqual({
      name: '',
      queries: [],
    });
  });

  it.each([
    ['nothing', ''],
    ['a name that is cut off', '0000000264'],
    ['no count', '0000000164'],
    ['more queries than it says', '000000000000000000000001' + '78'],
    ['fewer queries than it says', '0000000000000001'],
    ['a query that is cut off', '00000000000000010000000278'],
    ['half a length', '00000000000000010000'],
    ['a zero in a query', '0000000000000001' + '0000000100'],
  ])('a request of %s is malformed', (_, bytes) => {
    expect(decodeContextRequest(Buffer.from(bytes, 'hex'))).toBe(null);
  });

  it('a reply has a number and a name', () => {
    expect(hex(encodeContextReply({ id: 2, name: 'x:y' }))).toBe('00000002783a79');
    expect(decodeContextReply(encodeContextReply({ id: 2, name: 'x:y' }))).toEqual({ id: 2, name: 'x:y' });
    expect(decodeContextReply(Buffer.alloc(3))).toBe(null);
    expect(decodeContextReply(Buffer.from('0000000100', 'hex'))).toBe(null);
  });
});

it('a request with an extended header has 32 bytes', () => {
  const bytes = Buffer.alloc(32);
  writeExtendedRequest(bytes, 0, 1, 0x21, 0x01020304, 0x05060708, 512, 2 ** 33);
  expect(hex(bytes)).toBe('21e41c7100210001010203040506070800000000000002000000000200000000');
});
