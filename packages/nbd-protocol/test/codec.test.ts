import { describe, expect, it } from 'vitest';
import {
  decodeExportInfo,
  decodeExportNameReply,
  decodeGreeting,
  decodeInfoRequest,
  decodeOptionHeader,
  decodeOptionReplyHeader,
  decodeServerReply,
  decodeText,
  encodeClientFlags,
  encodeExportInfo,
  encodeExportNameReply,
  encodeGreeting,
  encodeInfoRequest,
  encodeOption,
  encodeOptionReply,
  encodeServerReply,
  encodeText,
  type ExportInfo,
  readU64,
  writeRequest,
  writeSimpleReply,
  writeU64,
} from '../src/index.ts';

const hex = (bytes: Buffer): string => bytes.toString('hex');

/*
 * The bytes are those of the protocol document, not of this code.
 */
describe('bytes on the wire', () => {
  it('greeting and client flags', () => {
    expect(hex(encodeGreeting(3))).toBe('4e42444d4147494349484156454f50540003');
    expect(hex(encodeClientFlags(3))).toBe('00000003');
    expect(decodeGreeting(encodeGreeting(3))).toBe(3);
  });

  it('an oldstyle server and one that is none are told apart from a newstyle one', () => {
    expect(decodeGreeting(Buffer.from('4e42444d4147494300004202818612530000', 'hex'))).toBe(null);
    expect(decodeGreeting(Buffer.from('HTTP/1.1 400 Bad Request'))).toBe(null);
  });

  it('an option and a reply to it', () => {
    expect(hex(encodeOption(7, Buffer.from('abc')))).toBe('49484156454f50540000000700000003616263');
    expect(decodeOptionHeader(encodeOption(3))).toEqual({ option: 3, length: 0 });
    expect(decodeOptionHeader(Buffer.alloc(16))).toBe(null);
    expect(hex(encodeOptionReply(7, 0x80000006, Buffer.from('no')))).toBe(
      '0003e889045565a90000000780000006000000026e6f',
    );
    expect(decodeOptionReplyHeader(encodeOptionReply(7, 1))).toEqual({ option: 7, type: 1, length: 0 });
    expect(decodeOptionReplyHeader(Buffer.alloc(20))).toBe(null);
  });

  it('the answer to EXPORT_NAME, with and without padding', () => {
    expect(hex(encodeExportNameReply(2 ** 33, 0x16d, false))).toBe('0000000200000000016d');
    expect(encodeExportNameReply(512, 1, true).length).toBe(134);
    expect(decodeExportNameReply(encodeExportNameReply(2 ** 33, 0x16d, true))).toEqual({
      size: 2 ** 33,
      flags: 0x16d,
    });
  });

  it('a request', () => {
    const bytes = Buffer.alloc(30, 0xee);
    writeRequest(bytes, 1, 6, 3, 0x01020304, 0x05060708, 2 ** 32 + 512, 4096);
    expect(hex(bytes)).toBe('ee2560951300030006010203040506070800000001000002000000' + '1000ee');
  });

  it('a simple reply', () => {
    const bytes = Buffer.alloc(16);
    writeSimpleReply(bytes, 0, 28, Buffer.from('0000000102030405', 'hex'), 0);
    expect(hex(bytes)).toBe('674466980000001c0000000102030405');
  });
});

describe('64-bit numbers', () => {
  it.each([0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER])('%i comes back', (value) => {
    const bytes = Buffer.alloc(8);
    writeU64(bytes, 0, value);
    expect(bytes.readBigUInt64BE()).toBe(BigInt(value));
    expect(readU64(bytes, 0)).toBe(value);
  });

  it('from 2^53 on they are beyond everything', () => {
    const bytes = Buffer.alloc(8);
    for (const value of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
      bytes.writeBigUInt64BE(value);
      expect(readU64(bytes, 0)).toBe(Infinity);
    }
    for (const value of [-1, 2 ** 53, 1.5, NaN]) expect(() => writeU64(bytes, 0, value)).toThrow(RangeError);
  });
});

describe('texts', () => {
  it('UTF-8 up to 4096 bytes, without NUL', () => {
    for (const text of ['', 'disk', 'ü/😀', 'x'.repeat(4096)])
      expect(decodeText(encodeText(text))).toBe(text);
    for (const text of ['a\0', 'x'.repeat(4097)]) {
      expect(() => encodeText(text)).toThrow(RangeError);
      expect(decodeText(Buffer.from(text))).toBe(null);
    }
    expect(decodeText(Buffer.from([0xc3]))).toBe(null);
    expect(decodeText(Buffer.from([0xef, 0xbb, 0xbf, 0x41]))).toBe('\ufeffA');
  });
});

describe('information about exports', () => {
  const all: Exclude<ExportInfo, { type: 'other' }>[] = [
    { type: 'export', size: 2 ** 40, flags: 0x56d },
    { type: 'name', text: 'ü' },
    { type: 'description', text: 'a disk' },
    { type: 'block-size', minimum: 1, preferred: 4096, maximum: 32 * 2 ** 20 },
    { type: 'block-size', minimum: 65536, preferred: 65536, maximum: 0xffffffff },
  ];

  it.each(all)('$type comes back', (info) => {
    expect(decodeExportInfo(encodeExportInfo(info))).toEqual(info);
  });

  it('what is not known is told as such', () => {
    expect(decodeExportInfo(Buffer.from([0x12, 0x34, 1, 2, 3]))).toEqual({ type: 'other', number: 0x1234 });
  });

  it.each([
    ['nothing', ''],
    ['an export of 11 bytes', '0000000000000000000001'],
    ['block sizes of 13 bytes', '0003000000010000100000000000'.slice(0, 26)],
    ['a minimum that is no power of two', '000300000003000010000200' + '0000'],
    ['a minimum of 0', '0003000000000000100002000000'],
    ['a minimum above 65536', '0003000200000002000002000000'],
    ['preferred below minimum', '0003000010000000020002000000'],
    ['maximum below preferred', '0003000000010000100000000800'],
    ['a name that is no UTF-8', '0001ff'],
  ])('%s is malformed', (_, bytes) => {
    expect(decodeExportInfo(Buffer.from(bytes, 'hex'))).toBe(null);
  });

  it('INFO and GO', () => {
    const request = { name: 'dïsk', types: [3, 1, 2] };
    expect(decodeInfoRequest(encodeInfoRequest(request))).toEqual(request);
    expect(hex(encodeInfoRequest({ name: 'a', types: [3] }))).toBe('000000016100010003');
    const bytes = encodeInfoRequest(request);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeInfoRequest(bytes.subarray(0, length))).toBe(null);
    }
    expect(decodeInfoRequest(Buffer.concat([bytes, Buffer.alloc(1)]))).toBe(null);
  });

  it('an export in a list', () => {
    expect(decodeServerReply(encodeServerReply('a', 'first'))).toEqual({ name: 'a', description: 'first' });
    expect(decodeServerReply(Buffer.from([0, 0, 0, 9, 65]))).toBe(null);
    expect(decodeServerReply(Buffer.from([0, 0]))).toBe(null);
  });
});
