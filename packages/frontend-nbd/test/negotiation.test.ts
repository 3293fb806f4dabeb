import {
  decodeExportInfo,
  decodeGreeting,
  decodeServerReply,
  encodeCountedText,
  encodeInfoRequest,
  encodeOption,
  InfoType,
  NbdOption,
  OptionReply,
  TransmissionFlag,
} from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import { serve } from './fixture.ts';

const FLAGS =
  TransmissionFlag.HasFlags |
  TransmissionFlag.SendFlush |
  TransmissionFlag.SendFua |
  TransmissionFlag.SendTrim |
  TransmissionFlag.SendWriteZeroes |
  TransmissionFlag.CanMultiConn |
  TransmissionFlag.SendCache |
  TransmissionFlag.SendFastZero;

describe('greeting', () => {
  it('offers fixed newstyle and no zeroes', async () => {
    const client = (await serve()).connect();
    expect(decodeGreeting(await client.greet())).toBe(3);
  });

  it('closes on client flags that were not offered', async () => {
    const fixture = await serve();
    const client = fixture.connect();
    await client.greet(0xff);
    await client.closed;
    expect(fixture.events.map(({ kind }) => kind)).toContain('violation');
  });

  it('answers an old client only EXPORT_NAME and ABORT', async () => {
    const client = (await serve()).connect();
    await client.greet(0);
    expect(await client.option(NbdOption.List)).toMatchObject([{ type: OptionReply.ErrInvalid }]);
    client.send(encodeOption(NbdOption.ExportName));
    const reply = await client.read(134);
    expect(reply.readUInt32BE(4)).toBe(2048 * 512);
    expect(reply.subarray(10).every((byte) => byte === 0)).toBe(true);
    expect((await client.readAt(0, 512)).length).toBe(512);
  });
});

describe('GO and INFO', () => {
  it('tell size, flags and block sizes, and the same in both', async () => {
    const client = (await serve({ exported: { description: 'a disk' } })).connect();
    await client.greet();
    const data = encodeInfoRequest({ name: '', types: [InfoType.Name, InfoType.Description, 77] });
    const info = await client.option(NbdOption.Info, data);
    expect(info.at(-1)!.type).toBe(OptionReply.Ack);
    expect(info.slice(0, -1).map((answer) => decodeExportInfo(answer.data))).toEqual([
      { type: 'export', size: 2048 * 512, flags: FLAGS },
      { type: 'block-size', minimum: 1, preferred: 4096, maximum: 32 * 2 ** 20 },
      { type: 'name', text: '' },
      { type: 'description', text: 'a disk' },
    ]);
    expect(await client.option(NbdOption.Go, data)).toEqual(info);
    expect((await client.readAt(512, 512)).length).toBe(512);
  });

  it('the block size of the device is the minimum, and its physical block is preferred', async () => {
    const limits = { logicalBlock: 4096, physicalBlock: 8192, ioMin: 4096 };
    const client = (await serve({ disk: { limits } })).connect();
    await client.greet();
    const [, answer] = await client.option(NbdOption.Info, encodeInfoRequest({ name: '', types: [] }));
    expect(decodeExportInfo(answer!.data)).toMatchObject({ minimum: 4096, preferred: 8192 });
  });

  it.each([
    ['a name longer than the data', Buffer.from([0, 0, 1, 0, 65, 65, 0, 0])],
    ['too few bytes', Buffer.from([0, 0, 0])],
    ['fewer types than announced', Buffer.concat([encodeCountedText(''), Buffer.from([0, 2, 0, 1])])],
    ['bytes left over', Buffer.concat([encodeCountedText(''), Buffer.from([0, 0, 9])])],
    [
      'a name of 5000 bytes',
      Buffer.concat([Buffer.from([0, 0, 0x13, 0x88]), Buffer.alloc(5000, 65), Buffer.alloc(2)]),
    ],
    ['a name with a NUL', Buffer.concat([encodeCountedText('ab').fill(0, 5, 6), Buffer.alloc(2)])],
    ['a name that is no UTF-8', Buffer.concat([encodeCountedText('ab').fill(0xff, 4, 6), Buffer.alloc(2)])],
    ['more than is kept', Buffer.concat([encodeCountedText(''), Buffer.alloc(70_000)])],
  ])('%s is invalid, and the client may go on', async (_, data) => {
    const client = (await serve()).connect();
    await client.greet();
    for (const option of [NbdOption.Go, NbdOption.Info]) {
      expect(await client.option(option, data)).toMatchObject([{ type: OptionReply.ErrInvalid }]);
    }
    expect((await client.option(NbdOption.List)).at(-1)!.type).toBe(OptionReply.Ack);
  });

  it('an unknown export is told by an error, and by EXPORT_NAME with a closed connection', async () => {
    const fixture = await serve({ exported: { name: 'disk' } });
    const client = fixture.connect();
    await client.greet();
    const data = encodeInfoRequest({ name: 'other', types: [] });
    expect(await client.option(NbdOption.Go, data)).toMatchObject([{ type: OptionReply.ErrUnknown }]);
    client.send(encodeOption(NbdOption.ExportName, Buffer.from('other')));
    await client.closed;
  });

  it('the empty name is the only export, but not one of several', async () => {
    const fixture = await serve({ exported: { name: 'disk' } });
    await fixture.client('');
    fixture.server.addExport({ name: 'second', port: fixture.port });
    await expect(fixture.client('')).rejects.toThrow(/no export ""/);
    await fixture.client('second');
  });
});

describe('other options', () => {
  it('LIST names all exports with their descriptions', async () => {
    const fixture = await serve({ exported: { name: 'a', description: 'first' } });
    fixture.server.addExport({ name: 'b/ü', port: fixture.port });
    const client = fixture.connect();
    await client.greet();
    const answers = await client.option(NbdOption.List);
    expect(answers.slice(0, -1).map(({ data }) => decodeServerReply(data))).toEqual([
      { name: 'a', description: 'first' },
      { name: 'b/ü', description: '' },
    ]);
    expect(await client.option(NbdOption.List, Buffer.from('x'))).toMatchObject([
      { type: OptionReply.ErrInvalid },
    ]);
  });

  it('ABORT is acknowledged, whatever data it has, and the connection closed', async () => {
    const client = (await serve()).connect();
    await client.greet();
    expect(await client.option(NbdOption.Abort, Buffer.from('bye'))).toMatchObject([
      { type: OptionReply.Ack },
    ]);
    await client.closed;
  });

  it.each([NbdOption.PeekExport, 4711, 0xffffffff])(
    'option %i is not supported, and its data are skipped',
    async (option) => {
      const client = (await serve()).connect();
      await client.greet();
      const data = Buffer.alloc(100_000, 7);
      expect(await client.option(option, data)).toMatchObject([{ type: OptionReply.ErrUnsupported }]);
      expect((await client.option(NbdOption.List)).length).toBe(2);
    },
  );

  it('options that come together are answered in order', async () => {
    const client = (await serve()).connect();
    await client.greet();
    const go = encodeOption(NbdOption.Go, encodeInfoRequest({ name: '', types: [] }));
    client.send(Buffer.concat([encodeOption(99), encodeOption(NbdOption.List), go]));
    expect((await client.answer(99)).type).toBe(OptionReply.ErrUnsupported);
    expect((await client.answer(NbdOption.List)).type).toBe(OptionReply.Server);
    expect((await client.answer(NbdOption.List)).type).toBe(OptionReply.Ack);
    expect((await client.answer(NbdOption.Go)).type).toBe(OptionReply.Info);
  });

  it('options that come byte by byte are understood', async () => {
    const client = (await serve()).connect();
    await client.greet();
    for (const byte of encodeOption(NbdOption.List)) client.send(Buffer.from([byte]));
    expect((await client.answer(NbdOption.List)).type).toBe(OptionReply.Server);
  });

  it.each([
    ['the wrong magic number', Buffer.from('IHAVEOPS\0\0\0\x03\0\0\0\0', 'latin1')],
    ['two gigabytes of data', Buffer.from('IHAVEOPT\0\0\0\x03\x80\0\0\0', 'latin1')],
  ])('%s ends the connection', async (_, bytes) => {
    const fixture = await serve();
    const client = fixture.connect();
    await client.greet();
    client.send(bytes);
    await client.closed;
    expect(fixture.events.map(({ kind }) => kind)).toContain('violation');
  });
});

describe('what is advertised', () => {
  const flagsOf = async (fixture: Awaited<ReturnType<typeof serve>>): Promise<number> => {
    const client = fixture.connect();
    await client.greet();
    const [answer] = await client.option(NbdOption.Info, encodeInfoRequest({ name: '', types: [] }));
    const info = decodeExportInfo(answer!.data);
    return info?.type === 'export' ? info.flags : 0;
  };

  it('a read-only export says so and offers nothing that writes', async () => {
    const flags = await flagsOf(await serve({ exported: { readOnly: true } }));
    expect(flags & TransmissionFlag.ReadOnly).not.toBe(0);
    expect(flags & (TransmissionFlag.SendTrim | TransmissionFlag.SendWriteZeroes)).toBe(0);
  });

  it('only what the device can do', async () => {
    const flags = await flagsOf(await serve({ disk: { limits: { ops: 0b00011, rotational: true } } }));
    expect(flags).toBe(
      TransmissionFlag.HasFlags |
        TransmissionFlag.CanMultiConn |
        TransmissionFlag.SendCache |
        TransmissionFlag.Rotational,
    );
  });

  it('follows the device when a filter changes what it can do', async () => {
    const fixture = await serve();
    const before = await flagsOf(fixture);
    const { port } = fixture;
    port.onLimits?.({ ...port.device.limits, ops: 0b00111, readOnly: true });
    const after = await flagsOf(fixture);
    expect(before & TransmissionFlag.ReadOnly).toBe(0);
    expect(after & TransmissionFlag.ReadOnly).not.toBe(0);
  });
});
