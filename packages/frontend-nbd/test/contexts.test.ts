import {
  ALL_OPS,
  defineFilter,
  fail,
  type FilterType,
  type MetadataContext,
  PreResult,
} from '@interposer/core';
import {
  decodeContextReply,
  encodeContextRequest,
  encodeCountedText,
  encodeOption,
  NbdCommand,
  NbdError,
  NbdOption,
  OptionReply,
} from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import { ChunkClient, type DialectName } from './chunk-client.ts';
import { later } from '../../../tools/temporary.ts';
import { type Fixture, serve } from './fixture.ts';
import type { OptionAnswer, RawClient } from './raw-client.ts';

const ALLOCATION = 'base:allocation';
const ACK = { type: OptionReply.Ack };

/** A filter that publishes what a test wants. */
function publisher(contexts: () => readonly MetadataContext[], name = 'publish'): FilterType {
  return defineFilter({
    name,
    version: [1, 0, 0],
    ops: ALL_OPS,
    altitude: name === 'publish' ? '420000' : '430000',
    params: [],
    attach: () => ({
      pre: () => PreResult.Pass,
      extents: (below, sector, count) => below.extents(sector, count),
      contexts,
      table: () => '',
    }),
  });
}

/** Sectors of even groups of eight are marked with the flags. */
function striped(name: string, flags: number): MetadataContext {
  return {
    name,
    extents: (sector, count) => {
      const runs: { sector: number; count: number; flags: number }[] = [];
      for (let at = sector; at < sector + count;) {
        const end = Math.min(sector + count, at - (at % 8) + 8);
        runs.push({ sector: at, count: end - at, flags: Math.floor(at / 8) % 2 === 0 ? flags : 0 });
        at = end;
      }
      return Promise.resolve(runs);
    },
  };
}

const DIRTY = ['qemu:dirty-bitmap:a', 'qemu:dirty-bitmap:b', 'x-test:c'];

async function published(
  contexts: () => readonly MetadataContext[] = () => DIRTY.map((name, i) => striped(name, i + 1)),
) {
  const fixture = await serve({ types: [publisher(contexts)], exported: { name: 'disk' } });
  fixture.server.addExport({ name: 'other', port: fixture.port });
  await fixture.engine.attachFilter(fixture.port.device.name, 'publish');
  return fixture;
}

async function negotiating(fixture: Fixture, dialect: DialectName = 'structured'): Promise<ChunkClient> {
  const client = new ChunkClient(fixture.path, dialect);
  later(() => client.close());
  await client.greet();
  if (dialect !== 'simple') {
    await client.agree(dialect === 'structured' ? NbdOption.StructuredReply : NbdOption.ExtendedHeaders);
  }
  return client;
}

function ask(
  client: RawClient,
  option: number,
  name: string,
  ...queries: readonly string[]
): Promise<OptionAnswer[]> {
  return client.option(option, encodeContextRequest({ name, queries }));
}

async function listed(client: RawClient, ...queries: readonly string[]): Promise<string[]> {
  const answers = await ask(client, NbdOption.ListMetaContext, 'disk', ...queries);
  expect(answers.at(-1)).toMatchObject(ACK);
  return answers.slice(0, -1).map(({ data }) => {
    const { id, name } = decodeContextReply(data)!;
    expect(id).toBe(0);
    return name;
  });
}

describe('LIST_META_CONTEXT', () => {
  it('tells all, those that are named, and those that a wildcard stands for', async () => {
    const client = await negotiating(await published());
    expect(await listed(client)).toEqual([ALLOCATION, ...DIRTY]);
    expect(await listed(client, 'base:')).toEqual([ALLOCATION]);
    expect(await listed(client, ALLOCATION)).toEqual([ALLOCATION]);
    expect(await listed(client, 'qemu:')).toEqual(DIRTY.slice(0, 2));
    expect(await listed(client, 'qemu:dirty-bitmap:')).toEqual(DIRTY.slice(0, 2));
    expect(await listed(client, 'qemu:dirty-bitmap:b', 'x-test:', 'x-test:c')).toEqual(DIRTY.slice(1));
    for (const query of [
      '',
      ':',
      'base',
      'base:alloc',
      'nothing:',
      'x-test:c:',
      'qemu:dirty-bitmap',
      'ü:ü',
    ]) {
      expect(await listed(client, query)).toEqual([]);
    }
  });

  it('chooses nothing', async () => {
    const client = await negotiating(await published());
    await listed(client);
    await client.choose('disk');
    expect((await client.status(0, 4096)).error).toBe(NbdError.Inval);
  });
});

describe('SET_META_CONTEXT', () => {
  it('chooses by full names, each once, with numbers of their own', async () => {
    const client = await negotiating(await published());
    const { SetMetaContext } = NbdOption;
    for (const query of ['base:', 'qemu:', 'qemu:dirty-bitmap:', '', 'x-none:y', 'base', ':']) {
      expect(await ask(client, SetMetaContext, 'disk', query)).toMatchObject([ACK]);
    }
    expect(await ask(client, SetMetaContext, 'disk')).toMatchObject([ACK]);
    const names = [DIRTY[2]!, ALLOCATION, 'x-none:y', DIRTY[0]!, ALLOCATION, DIRTY[2]!];
    expect(await client.select('disk', names)).toBe(OptionReply.Ack);
    expect([...client.contexts.values()].sort()).toEqual([ALLOCATION, DIRTY[0], DIRTY[2]]);
    await client.choose('disk');
    const { status } = await client.status(4096, 8192);
    const flags = new Map([...status].map(([id, extents]) => [client.contexts.get(id), extents]));
    expect(flags.get(ALLOCATION)).toEqual([{ length: 8192, flags: 0 }]);
    expect(flags.get(DIRTY[0])).toEqual([
      { length: 4096, flags: 0 },
      { length: 4096, flags: 1 },
    ]);
    expect(flags.get(DIRTY[2])).toEqual([
      { length: 4096, flags: 0 },
      { length: 4096, flags: 3 },
    ]);
  });

  it('replaces what was chosen before', async () => {
    const client = await negotiating(await published());
    await client.select('disk', [ALLOCATION]);
    await client.select('disk', [DIRTY[1]!]);
    await client.choose('disk');
    expect(await client.extents(0, 4096)).toEqual([{ length: 4096, flags: 2 }]);
  });

  const malformed: readonly (readonly [string, Buffer])[] = [
    ['no data', Buffer.alloc(0)],
    [
      'a query that goes too far',
      Buffer.concat([encodeCountedText('disk'), Buffer.from([0, 0, 0, 1, 0, 0, 1, 0, 65])]),
    ],
    ['a name that goes too far', Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
    [
      'fewer queries than it says',
      Buffer.concat([encodeCountedText('disk'), Buffer.from([0, 0, 0, 2]), encodeCountedText(ALLOCATION)]),
    ],
    [
      'more queries than it says',
      Buffer.concat([encodeCountedText('disk'), Buffer.from([0, 0, 0, 0]), encodeCountedText(ALLOCATION)]),
    ],
    ['no count', encodeCountedText('disk')],
    [
      'a query that is no text',
      Buffer.concat([encodeCountedText('disk'), Buffer.from([0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xfe])]),
    ],
    [
      'a query of 5,000 bytes',
      Buffer.concat([
        encodeCountedText('disk'),
        Buffer.from([0, 0, 0, 1, 0, 0, 0x13, 0x88]),
        Buffer.alloc(5000, 65),
      ]),
    ],
  ];

  it.each(malformed)('with %s is refused, and what was chosen is gone', async (_, data) => {
    const client = await negotiating(await published());
    for (const option of [NbdOption.ListMetaContext, NbdOption.SetMetaContext]) {
      await client.select('disk', [ALLOCATION]);
      expect(await client.option(option, data)).toMatchObject([{ type: OptionReply.ErrInvalid }]);
    }
    await client.choose('disk');
    expect((await client.status(0, 4096)).error).toBe(NbdError.Inval);
    expect((await client.get(0, 512)).error).toBe(0);
  });

  it('for an export that is not there is refused, and what was chosen is gone', async () => {
    const client = await negotiating(await published());
    await client.select('disk', [ALLOCATION]);
    expect(await client.select('nothing', [ALLOCATION])).toBe(OptionReply.ErrUnknown);
    await client.choose('disk');
    expect((await client.status(0, 4096)).error).toBe(NbdError.Inval);
  });

  it('with more than 64 KiB of queries is refused, and what was chosen is gone', async () => {
    const client = await negotiating(await published());
    await client.select('disk', [ALLOCATION]);
    const queries = Array.from({ length: 4000 }, () => ALLOCATION);
    expect(await client.select('disk', queries)).toBe(OptionReply.ErrTooBig);
    expect(await listed(client)).toEqual([ALLOCATION, ...DIRTY]);
    await client.choose('disk');
    expect((await client.status(0, 4096)).error).toBe(NbdError.Inval);
  });

  it('with as many queries as fit is answered', async () => {
    const client = await negotiating(await published());
    const queries = [...Array.from({ length: 3000 }, (_, i) => `x-none:${String(i)}`), ALLOCATION];
    expect(await client.select('disk', queries)).toBe(OptionReply.Ack);
    expect([...client.contexts.values()]).toEqual([ALLOCATION]);
  });

  it('without structured replies or extended headers is refused', async () => {
    const client = await negotiating(await published(), 'simple');
    for (const option of [NbdOption.ListMetaContext, NbdOption.SetMetaContext]) {
      expect(await ask(client, option, 'disk', ALLOCATION)).toMatchObject([{ type: OptionReply.ErrInvalid }]);
    }
    // Nor does it count when they come later.
    await client.agree(NbdOption.StructuredReply);
    await client.choose('disk');
    client.send(client.frame({ command: NbdCommand.BlockStatus, length: 512 }));
    const header = await client.read(20);
    expect(header.readUInt16BE(6)).toBe(0x8001);
  });

  it('for another export than the one that is opened is void', async () => {
    const client = await negotiating(await published());
    await client.select('disk', [ALLOCATION]);
    await client.choose('other');
    expect((await client.status(0, 4096)).error).toBe(NbdError.Inval);
    expect((await client.get(0, 4096)).error).toBe(0);
  });

  it('is void with EXPORT_NAME for another export, too', async () => {
    const client = await negotiating(await published());
    await client.select('disk', [ALLOCATION]);
    client.send(encodeOption(NbdOption.ExportName, Buffer.from('other')));
    await client.read(10);
    expect((await client.status(0, 4096)).error).toBe(NbdError.Inval);
  });

  it('survives an INFO or GO that failed', async () => {
    const client = await negotiating(await published(), 'extended');
    await client.select('disk', [ALLOCATION]);
    await expect(client.choose('nothing')).rejects.toThrow(/no export/);
    await client.choose('disk');
    expect(await client.extents(0, 4096)).toEqual([{ length: 4096, flags: 0 }]);
  });
});

describe('a filter that changes its mind', () => {
  it('and is detached after the negotiation makes its context an error, not wrong data', async () => {
    const fixture = await published();
    const client = await negotiating(fixture);
    await client.select('disk', [ALLOCATION, DIRTY[0]!]);
    await client.choose('disk');
    expect((await client.status(0, 4096)).error).toBe(0);
    await fixture.engine.detachFilter(fixture.port.device.name, 'publish');
    const { error, message, status } = await client.status(0, 4096);
    expect(error).toBe(NbdError.Inval);
    expect(message).toMatch(/nobody publishes qemu:dirty-bitmap:a any more/);
    expect(status.size).toBe(0);
    expect((await client.get(0, 4096)).error).toBe(0);
    // It is there for who asks for what is still told, and again once it is back.
    expect(await (await fixture.checked('structured', [ALLOCATION], 'disk')).extents(0, 512)).toHaveLength(1);
    await fixture.engine.attachFilter(fixture.port.device.name, 'publish');
    expect((await client.status(0, 4096)).error).toBe(0);
  });

  it.each([
    ['nothing', []],
    [
      'a gap',
      [
        { sector: 0, count: 4, flags: 1 },
        { sector: 5, count: 3, flags: 0 },
      ],
    ],
    ['too little', [{ sector: 0, count: 4, flags: 1 }]],
    [
      'the same twice',
      [
        { sector: 0, count: 8, flags: 1 },
        { sector: 0, count: 8, flags: 0 },
      ],
    ],
    [
      'an empty run',
      [
        { sector: 0, count: 0, flags: 1 },
        { sector: 0, count: 8, flags: 0 },
      ],
    ],
    ['no numbers', [{ sector: NaN, count: NaN, flags: 0 }]],
    ['no flags', [{ sector: 0, count: 8, flags: 1.5 }]],
    ['flags that are too large', [{ sector: 0, count: 8, flags: 2 ** 40 }]],
  ])('and tells %s gives an error, or nothing wrong', async (_, runs) => {
    const fixture = await published(() => [{ name: DIRTY[0]!, extents: () => Promise.resolve(runs) }]);
    for (const dialect of ['structured', 'extended'] as const) {
      const client = await fixture.checked(dialect, [DIRTY[0]!], 'disk');
      const { error, status } = await client.status(0, 4096);
      if (error === 0) for (const [first] of status.values()) expect(first!.length).toBe(4096);
      expect((await client.get(0, 512)).error).toBe(0);
    }
  });

  it('and fails with a text of any length and content gives an error that clients can read', async () => {
    const text = `no\0thing ${'ü€😀'.repeat(30_000)}`;
    const fixture = await published(() => [
      { name: DIRTY[0]!, extents: () => Promise.reject(fail('EIO', text)) },
    ]);
    for (const dialect of ['structured', 'extended'] as const) {
      const client = await fixture.checked(dialect, [DIRTY[0]!], 'disk');
      const { error, message } = await client.status(0, 4096);
      expect(error).toBe(NbdError.Io);
      expect(message).toMatch(/no thing/);
      expect((await client.get(0, 512)).error).toBe(0);
    }
  });
});

describe('a context over a large device', () => {
  it('is asked about so little at a time that its runs cannot take all memory', async () => {
    const asked: number[] = [];
    const context: MetadataContext = {
      name: 'x-test:c',
      extents: (sector, count) => {
        asked.push(count);
        return Promise.resolve([{ sector, count, flags: 1 }]);
      },
    };
    const fixture = await serve({ device: 'ram:64G', types: [publisher(() => [context])] });
    await fixture.engine.attachFilter(fixture.port.device.name, 'publish');
    const client = await fixture.checked('extended', ['x-test:c']);
    expect(await client.extents(0, 64 * 2 ** 30)).toEqual([{ length: 64 * 2 ** 30, flags: 1 }]);
    expect(Math.max(...asked)).toBeLessThanOrEqual(2 ** 19);
    expect(asked.length).toBeLessThan(300);
  });
});
