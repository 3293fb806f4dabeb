import { BioOp } from '@interposer/core';
import {
  ChunkType,
  CommandFlag,
  decodeExportInfo,
  encodeContextRequest,
  encodeInfoRequest,
  encodeOption,
  NbdCommand,
  NbdError,
  NbdOption,
  OptionReply,
  TransmissionFlag,
} from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import { ChunkClient } from './chunk-client.ts';
import { pattern, serve } from './fixture.ts';

const { Read, Write, Flush, Trim, Cache, WriteZeroes, BlockStatus } = NbdCommand;
const GIB = 2 ** 30;

async function flagsOf(client: ChunkClient): Promise<number> {
  const [first] = await client.option(NbdOption.Info, encodeInfoRequest({ name: '', types: [] }));
  const info = decodeExportInfo(first!.data);
  if (info?.type !== 'export') throw new Error('no flags');
  return info.flags;
}

describe('negotiation of extended headers', () => {
  it('wins over structured replies, which are not agreed on afterwards', async () => {
    const client = (await serve()).connect();
    await client.greet();
    await client.agree(NbdOption.StructuredReply);
    expect(await client.option(NbdOption.StructuredReply)).toMatchObject([{ type: OptionReply.ErrInvalid }]);
    await client.agree(NbdOption.ExtendedHeaders);
    expect(await client.option(NbdOption.ExtendedHeaders)).toMatchObject([{ type: OptionReply.ErrInvalid }]);
    expect(await client.option(NbdOption.StructuredReply)).toMatchObject([
      { type: OptionReply.ErrExtendedHeaderRequired },
    ]);
  });

  it('takes no data', async () => {
    const client = (await serve()).connect();
    await client.greet();
    for (const option of [NbdOption.StructuredReply, NbdOption.ExtendedHeaders]) {
      expect(await client.option(option, Buffer.from('x'))).toMatchObject([{ type: OptionReply.ErrInvalid }]);
    }
    expect((await client.choose()).socket.destroyed).toBe(false);
    expect((await client.readAt(0, 512)).length).toBe(512);
  });

  it('rules out EXPORT_NAME', async () => {
    const client = (await serve()).connect();
    await client.greet();
    await client.agree(NbdOption.ExtendedHeaders);
    client.send(encodeOption(NbdOption.ExportName));
    await client.closed;
  });

  it('flags that need it are offered only then', async () => {
    const fixture = await serve();
    const client = new ChunkClient(fixture.path, 'extended');
    await client.greet();
    const { SendDf, BlockStatusPayload } = TransmissionFlag;
    const both = SendDf | BlockStatusPayload;
    expect((await flagsOf(client)) & both).toBe(0);
    await client.agree(NbdOption.StructuredReply);
    expect((await flagsOf(client)) & both).toBe(SendDf);
    await client.agree(NbdOption.ExtendedHeaders);
    // Without contexts there is nothing that a payload could choose from.
    expect((await flagsOf(client)) & both).toBe(SendDf);
    await client.select('', ['base:allocation']);
    expect((await flagsOf(client)) & both).toBe(both);
    client.close();
  });

  it('EXPORT_NAME works after structured replies, with the contexts of the name', async () => {
    const fixture = await serve();
    const client = new ChunkClient(fixture.path, 'structured');
    await client.greet();
    await client.agree(NbdOption.StructuredReply);
    await client.select('', ['base:allocation']);
    client.send(encodeOption(NbdOption.ExportName));
    const reply = await client.read(10);
    expect(reply.readUInt16BE(8) & TransmissionFlag.SendDf).toBe(TransmissionFlag.SendDf);
    expect(await client.extents(0, 4096)).toEqual([{ length: 4096, flags: 0 }]);
    client.close();
  });
});

describe('lengths of 64 bits', () => {
  it('are taken by all commands without data', async () => {
    const client = await (await serve({ device: 'ram:100T' })).checked('extended', ['base:allocation']);
    const length = 20 * GIB;
    await client.put(5 * GIB, pattern(4096));
    await client.put(30 * GIB, pattern(4096));
    expect(await client.extents(0, 100 * 1024 * GIB)).toEqual([
      { length: 5 * GIB, flags: 3 },
      { length: 65536, flags: 0 },
      { length: 25 * GIB - 65536, flags: 3 },
      { length: 65536, flags: 0 },
      { length: 100 * 1024 * GIB - 30 * GIB - 65536, flags: 3 },
    ]);
    expect((await client.ask({ command: Trim, offset: 0, length })).error).toBe(0);
    expect((await client.get(5 * GIB, 4096)).data.equals(Buffer.alloc(4096))).toBe(true);
    expect((await client.get(30 * GIB, 4096)).data.equals(pattern(4096))).toBe(true);
    const zeroes = { command: WriteZeroes, offset: 15 * GIB, flags: CommandFlag.FastZero };
    expect((await client.ask({ ...zeroes, length })).error).toBe(0);
    expect((await client.get(30 * GIB, 4096)).data.equals(Buffer.alloc(4096))).toBe(true);
    expect((await client.ask({ command: WriteZeroes, offset: 4096, length: 9 * GIB + 77 })).error).toBe(0);
  });

  it('of reads and writes are refused above 32 MiB', async () => {
    const client = await (await serve({ device: 'ram:1T' })).checked('extended');
    for (const length of [33 * 2 ** 20, 5 * GIB]) {
      const { error, message } = await client.ask({ command: Read, length });
      expect(error).toBe(NbdError.Inval);
      expect(message).toMatch(/too large/);
    }
    const data = Buffer.alloc(33 * 2 ** 20);
    expect((await client.put(0, data)).error).toBe(NbdError.Inval);
    expect((await client.get(0, 512)).error).toBe(0);
  });

  it('beyond what there is are refused, and the offset comes back whatever it was', async () => {
    const client = await (await serve()).checked('extended', ['base:allocation']);
    for (const command of [Read, Trim, Cache, BlockStatus, WriteZeroes]) {
      for (const length of [2n ** 32n, 2n ** 53n, 2n ** 64n - 1n]) {
        for (const offset of [0n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
          const { error, chunks } = await client.ask({ command, offset, length });
          expect(error).toBe(command === WriteZeroes ? NbdError.NoSpc : NbdError.Inval);
          expect(chunks.length).toBe(1);
        }
      }
    }
  });

  it('the offset comes back to the last bit', async () => {
    const client = await (await serve()).checked('extended');
    for (const offset of [2n ** 53n + 1n, 2n ** 64n - 1n, 0xfedcba9876543210n]) {
      client.send(client.frame({ command: Trim, offset, length: 1 }));
      const header = await client.read(32);
      expect(header.readBigUInt64BE(16)).toBe(offset);
      await client.read(Number(header.readBigUInt64BE(24)));
    }
  });
});

describe('PAYLOAD_LEN', () => {
  const flags = CommandFlag.PayloadLength;

  it.each([
    ['READ', Read],
    ['FLUSH', Flush],
    ['TRIM', Trim],
    ['CACHE', Cache],
    ['WRITE_ZEROES', WriteZeroes],
    ['BLOCK_STATUS without contexts', BlockStatus],
    ['an unknown command', 99],
  ])('on %s: the payload is dropped, EINVAL', async (_, command) => {
    const fixture = await serve();
    const client = await fixture.checked('extended');
    for (const length of [0, 1, 12, 4096, 100_000, 2 ** 20 - 1]) {
      const answer = await client.ask({ command, length, flags, data: pattern(length) });
      expect(answer.error).toBe(NbdError.Inval);
    }
    expect(fixture.disk!.requests).toBe(0);
    expect((await client.get(0, 512)).error).toBe(0);
  });

  it('of more than 64 MiB ends the connection', async () => {
    const fixture = await serve();
    for (const length of [2n ** 26n + 1n, 2n ** 32n, 2n ** 64n - 1n]) {
      for (const command of [Read, Write, BlockStatus]) {
        const client = await fixture.checked('extended', ['base:allocation']);
        client.send(client.frame({ command, length, flags }));
        await client.closed;
      }
    }
  });

  it('a WRITE without it ends the connection: where the next request begins could only be guessed', async () => {
    const fixture = await serve();
    const client = await fixture.checked('extended');
    client.send(client.frame({ command: Write, length: 512 }));
    await client.closed;
    expect(fixture.disk!.arrived[BioOp.Write]).toBe(0);
  });

  it('is no flag of the other dialects', async () => {
    const client = await (await serve()).checked('structured', ['base:allocation']);
    expect((await client.ask({ command: Write, length: 512, flags, data: pattern(512) })).error).toBe(
      NbdError.Inval,
    );
    expect((await client.status(0, 512, flags)).error).toBe(NbdError.Inval);
    expect((await client.get(0, 512)).error).toBe(0);
  });
});

describe('BLOCK_STATUS with a payload', () => {
  function payload(length: number | bigint, ...ids: readonly number[]): Buffer {
    const bytes = Buffer.alloc(8 + 4 * ids.length);
    bytes.writeBigUInt64BE(BigInt(length), 0);
    ids.forEach((id, index) => bytes.writeUInt32BE(id, 8 + 4 * index));
    return bytes;
  }

  it('chooses among the contexts, and any range', async () => {
    const client = await (await serve({ device: 'ram:10G' })).checked('extended', ['base:allocation']);
    const [id] = [...client.contexts.keys()];
    const ask = (offset: number, data: Buffer) =>
      client.ask({
        command: BlockStatus,
        offset,
        length: data.length,
        flags: CommandFlag.PayloadLength,
        data,
      });
    const good = await ask(0, payload(10 * GIB, id!));
    expect(good.error).toBe(0);
    expect([...good.status]).toEqual([[id, [{ length: 10 * GIB, flags: 3 }]]]);
    const bad = [
      payload(4096, id!, id!),
      payload(4096, id! + 1),
      payload(4096),
      payload(0, id!),
      payload(10 * GIB + 1, id!),
      payload(2n ** 64n - 1n, id!),
      payload(4096, id!).subarray(0, 11),
      Buffer.alloc(7),
      Buffer.alloc(0),
      payload(4096, id!, id! + 1),
      Buffer.alloc(100_000, 1),
    ];
    for (const data of bad) expect((await ask(0, data)).error).toBe(NbdError.Inval);
    expect((await ask(0, payload(512, id!))).error).toBe(0);
    expect((await ask(10 * GIB - 512, payload(1024, id!))).error).toBe(NbdError.Inval);
  });

  it('also with REQ_ONE', async () => {
    const client = await (await serve({ device: 'ram:1G' })).checked('extended', ['base:allocation']);
    await client.put(0, pattern(4096));
    const [id] = [...client.contexts.keys()];
    const data = payload(GIB, id!);
    const flags = CommandFlag.PayloadLength | CommandFlag.ReqOne;
    const answer = await client.ask({ command: BlockStatus, length: data.length, flags, data });
    expect([...answer.status.values()]).toEqual([[{ length: 65536, flags: 0 }]]);
    expect(answer.chunks).toEqual([ChunkType.BlockStatusExtended]);
  });
});

it('contexts chosen for structured replies count with extended headers too', async () => {
  const fixture = await serve();
  const client = new ChunkClient(fixture.path, 'extended');
  await client.greet();
  await client.agree(NbdOption.StructuredReply);
  await client.option(
    NbdOption.SetMetaContext,
    encodeContextRequest({ name: '', queries: ['base:allocation'] }),
  );
  client.contexts.set(1, 'base:allocation');
  await client.agree(NbdOption.ExtendedHeaders);
  await client.choose();
  expect(await client.extents(0, 4096)).toEqual([{ length: 4096, flags: 0 }]);
  client.close();
});
