import { Random } from '@interposer/conformance';
import {
  ALL_OPS,
  BioOp,
  defineFilter,
  type Extent,
  type FilterType,
  PreResult,
  Status,
} from '@interposer/core';
import { CommandFlag, NbdCommand } from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import type { ChunkClient } from './chunk-client.ts';
import { type Fixture, pattern, serve, until } from './fixture.ts';
import { isLeak, secret, SecretExport } from './secret.ts';

const { Read, Trim, Cache, WriteZeroes, BlockStatus, Flush } = NbdCommand;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const DIALECTS = ['simple', 'structured', 'extended'] as const;

/** Lets everything that can happen by itself happen: two hundred turns of the event loop. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Everything that one client receives is looked through. */
function watch(client: ChunkClient): () => boolean {
  const pieces: Buffer[] = [];
  client.socket.on('data', (piece: Buffer) => pieces.push(piece));
  return () => isLeak(Buffer.concat(pieces));
}

describe('stale memory', () => {
  it('would be noticed', async () => {
    const fixture = await serve({ device: 'ram:1M' });
    const secrets = await SecretExport.add(fixture);
    await secrets.spread();
    const client = await fixture.checked('structured', [], 'secret');
    const leaked = watch(client);
    await client.get(100, 15);
    expect(leaked()).toBe(true);
    expect(isLeak(secret(15))).toBe(true);
    expect(isLeak(pattern(100_000))).toBe(false);
  });

  it.each(DIALECTS)('is in no reply to random requests, %s', async (dialect) => {
    const fixture = await serve({ disk: { sectors: 8192, delay: 1 } });
    const secrets = await SecretExport.add(fixture);
    const contexts = dialect === 'simple' ? [] : ['base:allocation'];
    const client = await fixture.checked(dialect, contexts);
    const leaked = watch(client);
    const random = new Random(8);
    for (let round = 0; round < 12; round++) {
      await secrets.spread();
      // In some rounds the device fails: nothing of what its bios might have left behind is sent.
      if (round % 3 === 2) fixture.disk!.fail(Status.Io, { skip: 3 });
      else fixture.disk!.heal();
      await Promise.all(Array.from({ length: 60 }, () => randomRequest(client, random)));
    }
    expect(leaked()).toBe(false);
  });

  it.each(DIALECTS)('is not read by what a device does not fill, %s', async (dialect) => {
    const fixture = await serve({ disk: { sectors: 8192 } });
    const secrets = await SecretExport.add(fixture);
    await secrets.spread();
    const client = await fixture.checked(dialect);
    const leaked = watch(client);
    fixture.disk!.fail(Status.Io, { op: BioOp.Read });
    for (const length of [1, 512, 4096, 32_768, 65_536, 100_001, MIB]) {
      for (const flags of dialect === 'simple' ? [0] : [0, CommandFlag.Df]) {
        expect((await client.get(0, length, flags)).error).not.toBe(0);
      }
    }
    expect(leaked()).toBe(false);
  });

  it('is not written to the device by what comes in pieces', async () => {
    const fixture = await serve({ disk: { sectors: 8192 } });
    const secrets = await SecretExport.add(fixture);
    await secrets.spread();
    const client = await fixture.checked('structured');
    for (const length of [100, 4096, 70_000, 200_001]) {
      const frame = client.frame({ command: NbdCommand.Write, offset: 700, length, data: pattern(length) });
      for (let at = 0; at < frame.length; at += 9973) client.send(frame.subarray(at, at + 9973));
      await client.read(16);
    }
    // Half a write, and gone.
    client.send(client.frame({ command: NbdCommand.Write, offset: 0, length: MIB, data: pattern(5000) }));
    client.close();
    await until(() => fixture.server.exports[0]!.connections === 0);
    expect(isLeak(Buffer.from(fixture.disk!.data))).toBe(false);
  });
});

function randomRequest(client: ChunkClient, random: Random): Promise<unknown> {
  const command = random.pick([Read, Read, Read, Trim, Cache, WriteZeroes, BlockStatus, Flush, 99]);
  const offset = random.chance(0.1) ? random.below(2 ** 53) : random.below(4 * MIB);
  const length = random.pick([0, 1, 511, 512, 4096, 30_000, 32_768, 40_000, 65_536, 100_000, 300_000]);
  if (random.chance(0.2)) return client.put(offset, pattern(length));
  const flags = random.chance(0.8) ? 0 : random.pick([1, 2, 4, 8, 16, 0x40]);
  return client.ask({ command, offset, length: command === Flush ? 0 : length, flags });
}

describe('bounded memory', () => {
  /** Every sector another kind. */
  const fragments: FilterType = defineFilter({
    name: 'fragments',
    version: [1, 0, 0],
    ops: ALL_OPS,
    altitude: '420000',
    params: [],
    attach: () => ({
      pre: () => PreResult.Pass,
      extents: (_, sector, count) => {
        const extents: Extent[] = [];
        for (let at = sector; at < sector + count; at++) {
          extents.push({ sector: at, count: 1, hole: at % 2 === 1, zero: at % 2 === 1 });
        }
        return Promise.resolve(extents);
      },
      table: () => '',
    }),
  });

  function held(): number {
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    return arrayBuffers + heapUsed;
  }

  /** How much memory is in use at most while a client sends and does not read. */
  async function flood(fixture: Fixture, client: ChunkClient, frame: Buffer, times: number): Promise<number> {
    client.socket.pause();
    const all = Buffer.concat(Array.from({ length: times }, () => frame));
    const other = await fixture.client();
    const before = held();
    let most = 0;
    client.send(all);
    for (let round = 0; round < 10; round++) {
      await settle();
      expect((await other.readAt(0, 512)).length).toBe(512);
      most = Math.max(most, held() - before);
    }
    return most;
  }

  it.each([
    ['structured', 2 ** 31],
    ['extended', 3 * GIB],
  ] as const)('of a flood of block status that nobody reads, %s', async (dialect, length) => {
    const fixture = await serve({ device: 'ram:3G', types: [fragments], maxBufferedBytes: 8 * MIB });
    await fixture.engine.attachFilter(fixture.port.device.name, 'fragments');
    const client = await fixture.checked(dialect, ['base:allocation']);
    const frame = client.frame({ command: BlockStatus, length });
    // A gigabyte of answers is asked for.
    expect(await flood(fixture, client, frame, 2000)).toBeLessThan(256 * MIB);
  });

  it('of a flood of CACHE that nobody reads', async () => {
    const fixture = await serve({ device: 'ram:1G', maxBufferedBytes: 8 * MIB });
    const client = await fixture.checked('extended');
    const frame = client.frame({ command: Cache, length: 64 * MIB });
    expect(await flood(fixture, client, frame, 5000)).toBeLessThan(128 * MIB);
  });

  it.each(['structured', 'extended'] as const)(
    'of a flood of errors that nobody reads, %s',
    async (dialect) => {
      const fixture = await serve({ maxBufferedBytes: 4 * MIB });
      const client = await fixture.checked(dialect, ['base:allocation']);
      const frame = client.frame({ command: BlockStatus, offset: 2 ** 40, length: 512 });
      expect(await flood(fixture, client, frame, 100_000)).toBeLessThan(128 * MIB);
    },
  );

  it.each(['structured', 'extended'] as const)(
    'of a flood of sparse reads that nobody reads, %s',
    async (dialect) => {
      const fixture = await serve({ device: 'ram:64M', maxBufferedBytes: 8 * MIB });
      const client = await fixture.checked(dialect);
      for (let at = 0; at < 32 * MIB; at += 128 * 1024) await client.put(at, pattern(512));
      const frame = client.frame({ command: Read, length: 32 * MIB });
      expect(await flood(fixture, client, frame, 2000)).toBeLessThan(256 * MIB);
    },
  );
});
