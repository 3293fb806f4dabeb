import {
  decodeExportInfo,
  encodeInfoRequest,
  NbdCommand,
  NbdError,
  NbdOption,
} from '@interposer/nbd-protocol';
import { chaosDriver } from '@interposer/conformance';
import { createEngine } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { NbdServer } from '../src/index.ts';
import { later } from '../../../tools/temporary.ts';
import { pattern, serve } from './fixture.ts';
import type { RawClient } from './raw-client.ts';

const { Trim, Cache, WriteZeroes, Flush } = NbdCommand;
const MIB = 2 ** 20;
const STRICT = { minimum: 4096, preferred: 65536, maximum: MIB, strict: true };

async function told(client: RawClient): Promise<unknown[]> {
  await client.greet();
  const answers = await client.option(NbdOption.Info, encodeInfoRequest({ name: '', types: [3] }));
  return answers.slice(0, -1).map(({ data }) => decodeExportInfo(data));
}

describe.each(['simple', 'structured', 'extended'] as const)('strict block sizes, %s', (dialect) => {
  it('refuse what is not made of whole blocks, whatever the client asked to be told', async () => {
    const fixture = await serve({ device: 'ram:8M', exported: { blockSizes: STRICT } });
    const client = await fixture.checked(dialect, dialect === 'simple' ? [] : ['base:allocation']);
    await client.put(0, pattern(8192));
    for (const [offset, length] of [
      [512, 4096],
      [0, 512],
      [1, 4096],
      [0, 4097],
      [4095, 4096],
    ] as const) {
      expect((await client.get(offset, length)).error).toBe(NbdError.Inval);
      expect((await client.put(offset, pattern(length, 9))).error).toBe(NbdError.Inval);
      for (const command of [Trim, Cache, WriteZeroes]) {
        expect((await client.ask({ command, offset, length })).error).toBe(NbdError.Inval);
      }
      if (dialect !== 'simple') expect((await client.status(offset, length)).error).toBe(NbdError.Inval);
    }
    expect((await client.get(0, 8192)).data.equals(pattern(8192))).toBe(true);
    expect((await client.ask({ command: Flush })).error).toBe(0);
  });

  it('refuse larger payloads, and nothing else that is large', async () => {
    const fixture = await serve({ device: 'ram:8M', exported: { blockSizes: STRICT } });
    const client = await fixture.checked(dialect, dialect === 'simple' ? [] : ['base:allocation']);
    expect((await client.get(0, MIB)).error).toBe(0);
    expect((await client.put(0, pattern(MIB))).error).toBe(0);
    expect((await client.get(0, MIB + 4096)).error).toBe(NbdError.Inval);
    expect((await client.put(0, Buffer.alloc(MIB + 4096))).error).toBe(NbdError.Inval);
    expect((await client.get(0, MIB)).data.equals(pattern(MIB))).toBe(true);
    for (const command of [Trim, Cache, WriteZeroes]) {
      expect((await client.ask({ command, length: 8 * MIB })).error).toBe(0);
    }
    if (dialect !== 'simple') expect((await client.status(0, 8 * MIB)).error).toBe(0);
  });

  it('that are advice refuse nothing', async () => {
    const fixture = await serve({ device: 'ram:8M', exported: { blockSizes: { ...STRICT, strict: false } } });
    const client = await fixture.checked(dialect);
    expect((await client.put(77, pattern(100))).error).toBe(0);
    expect((await client.get(77, 100)).data.equals(pattern(100))).toBe(true);
    expect((await client.get(0, 4 * MIB)).error).toBe(0);
    expect((await client.put(1, pattern(2 * MIB))).error).toBe(0);
  });
});

describe('block sizes', () => {
  it('are told as they were given, and the size is a multiple of the minimum', async () => {
    const fixture = await serve({ disk: { sectors: 2047 }, exported: { blockSizes: STRICT } });
    expect(await told(fixture.connect())).toMatchObject([
      { type: 'export', size: 2040 * 512 },
      { type: 'block-size', minimum: 4096, preferred: 65536, maximum: MIB },
    ]);
    const client = await fixture.checked('structured');
    expect((await client.get(2032 * 512, 4096)).error).toBe(0);
    expect((await client.get(2040 * 512, 4096)).error).toBe(NbdError.Inval);
  });

  it('are by default what the device wishes', async () => {
    const limits = { logicalBlock: 4096, physicalBlock: 16384, ioMin: 8192 };
    const fixture = await serve({ disk: { limits } });
    expect((await told(fixture.connect()))[1]).toEqual({
      type: 'block-size',
      minimum: 4096,
      preferred: 16384,
      maximum: 32 * MIB,
    });
  });

  it.each([
    ['a minimum that is no power of two', { minimum: 1000 }],
    ['a minimum of 0', { minimum: 0 }],
    ['a minimum of more than 65536', { minimum: 131072 }],
    ['preferred below the minimum', { minimum: 4096, preferred: 512 }],
    ['preferred below 512', { preferred: 256 }],
    ['preferred that is no power of two', { preferred: 5000 }],
    ['a maximum below what is preferred', { preferred: 65536, maximum: 4096 }],
    ['a maximum above 32 MiB', { maximum: 64 * MIB }],
    ['a maximum that is no whole number', { maximum: MIB + 0.5 }],
  ])('%s is refused', async (_, blockSizes) => {
    const chaos = chaosDriver();
    chaos.add('disk', { sectors: 2048 });
    const engine = createEngine({ types: [chaos] });
    const port = await engine.open('chaos:disk');
    later(async () => {
      port.close();
      await engine.close();
    });
    expect(() => new NbdServer().addExport({ name: '', port, blockSizes })).toThrow(
      expect.objectContaining({ code: 'EINVAL' }),
    );
  });
});
