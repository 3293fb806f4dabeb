import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeHeader, setUint64 } from '../src/format.ts';
import { readTrace, type TraceRecord } from '../src/index.ts';
import { tempDirectory } from './temp.ts';
import { readAll, Traced } from './traced.ts';

const directory = tempDirectory();
const path = join(directory, 'x.trace');
const RECORD = 48;
const HEADER = 56;

let traced: Traced;
let bytes: Uint8Array;
beforeEach(async () => {
  traced = await Traced.open();
  await traced.attach();
  traced.run(3);
  await traced.message('flush');
  bytes = traced.file.bytes;
});
afterEach(() => traced.close());

function put(contents: Uint8Array | string): void {
  writeFileSync(path, contents);
}

describe('a trace that was cut off', () => {
  it.each([1, 47, 48, 49, 95, 143, 144])('is read up to there: %i bytes less', async (less) => {
    put(bytes.subarray(0, bytes.length - less));
    const { records, partialBytes } = await readAll(path);
    const left = 3 * RECORD - less;
    expect(records.length).toBe(Math.floor(left / RECORD));
    expect(partialBytes).toBe(left % RECORD);
  });
});

describe('a trace that is damaged', () => {
  it.each([
    [0, 0],
    [0, 3],
    [0, 255],
    [1, 5],
  ])('is read up to there: byte %i is %i', async (field, value) => {
    bytes[HEADER + 2 * RECORD + field] = value;
    put(bytes);
    const { records } = await readTrace(path);
    const all: TraceRecord[] = [];
    const reading = (async () => {
      for await (const record of records()) all.push(record);
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'EILSEQ',
      message: expect.stringContaining(String(HEADER + 2 * RECORD)),
    });
    expect(all.length).toBe(2);
  });
});

describe('what is no trace', () => {
  it.each([
    ['nothing', () => ''],
    ['text', () => 'a text that is longer than the header of a trace by some characters'],
    ['zeroes', () => new Uint8Array(4096)],
    ['a part of the magic', () => bytes.subarray(0, 7)],
    ['a part of the header', () => bytes.subarray(0, 39)],
    ['a header without its name', () => bytes.subarray(0, 45)],
    ['a header that is too small', () => patched(10, 40)],
    ['records that are too small', () => patched(12, 40)],
  ])('is refused: %s', async (_what, contents) => {
    put(contents());
    await expect(readTrace(path)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining(path),
    });
  });

  it('is refused for its version', async () => {
    put(patched(8, 2));
    await expect(readTrace(path)).rejects.toMatchObject({
      code: 'ENOTSUP',
      message: expect.stringMatching(/version 2; version 1 /),
    });
  });

  it('is refused if it cannot be read', async () => {
    await expect(readTrace(join(directory, 'nothing'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(readTrace(directory)).rejects.toMatchObject({ code: 'EINVAL' });
  });

  function patched(offset: number, value: number): Uint8Array {
    new DataView(bytes.buffer).setUint16(offset, value, true);
    return bytes;
  }
});

describe('the format', () => {
  it('may have longer records and headers', async () => {
    const view = new DataView(bytes.buffer);
    view.setUint16(10, HEADER + 8, true);
    view.setUint16(12, RECORD + 16, true);
    const longer = new Uint8Array(HEADER + 8 + 3 * (RECORD + 16));
    longer.set(bytes.subarray(0, HEADER));
    for (let i = 0; i < 3; i++) {
      const start = HEADER + i * RECORD;
      longer.set(bytes.subarray(start, start + RECORD), HEADER + 8 + i * (RECORD + 16));
    }
    put(longer);
    expect((await readAll(path)).records).toMatchObject([{ number: 1 }, { number: 2 }, { number: 3 }]);
  });

  it('has room for every name and number there is', async () => {
    const sectors = Number.MAX_SAFE_INTEGER;
    const header = { device: `/ü/${'x'.repeat(4000)}`, sectors, started: 2 ** 42 + 1, sample: 2 ** 31 };
    put(encodeHeader(header));
    expect((await readTrace(path)).header).toMatchObject(header);
  });

  it('is little-endian', () => {
    const view = new DataView(new ArrayBuffer(8));
    setUint64(view, 0, 0x1f_0203_0405_0607);
    expect([...new Uint8Array(view.buffer)]).toEqual([7, 6, 5, 4, 3, 2, 0x1f, 0]);
    expect(view.getBigUint64(0, true)).toBe(0x1f_0203_0405_0607n);
  });

  it('is read again by every call', async () => {
    put(bytes);
    const { records } = await readTrace(path);
    for (let round = 0; round < 2; round++) {
      const { value } = await records().next();
      expect(value).toMatchObject({ kind: 'bio', number: 1 });
    }
  });
});
