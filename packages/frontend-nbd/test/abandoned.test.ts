import { ALL_OPS, type Bio, createEngine, defineFilter, PreResult, SECTOR_SIZE } from '@interposer/core';
import { chaosDriver } from '@interposer/conformance';
import { NbdCommand, NbdError } from '@interposer/nbd-protocol';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NbdServer } from '../src/index.ts';
import { later, temporaryFolder } from '../../../tools/temporary.ts';
import { pattern, until } from './fixture.ts';
import { RawClient } from './raw-client.ts';

const { Read, Write, Flush } = NbdCommand;

/** Takes every bio and keeps it, and throws at a flush. */
function hoarder(kept: Bio[]): ReturnType<typeof defineFilter> {
  return defineFilter({
    name: 'hoard',
    version: [1, 0, 0],
    ops: ALL_OPS,
    altitude: '100',
    params: [],
    attach: () => ({
      pre(bio: Bio) {
        if (bio.count === 0) throw new Error('a flush is too much');
        kept.push(bio);
        return PreResult.Taken;
      },
      table: () => '',
    }),
  });
}

it.each([
  ['a small read', Read, 4096],
  ['a large read', Read, 65536],
  ['a write', Write, 8192],
  ['an unaligned read', Read, 1000],
])('%s that a fenced filter keeps leaves its buffer out of use', async (_, command, length) => {
  const kept: Bio[] = [];
  const chaos = chaosDriver();
  const disk = chaos.add('disk', { sectors: 2048 });
  const engine = createEngine({ types: [chaos, hoarder(kept)] });
  const port = await engine.open('chaos:disk');
  const server = new NbdServer();
  server.addExport({ name: '', port });
  const path = join(await temporaryFolder(), 'nbd.sock');
  await server.listen({ path });
  later(async () => {
    disk.release();
    await server.close();
    port.close();
    await engine.close();
  });
  const client = await new RawClient(path).go();
  later(() => client.close());
  const data = command === Write ? pattern(length) : undefined;
  // The first write of a connection is copied, the next are not.
  await client.request(command, 0, length, 0, data);

  await engine.attachFilter(port.device.name, 'hoard');
  const lost = client.request(command, 0, length, 0, data);
  await until(() => kept.length === 1);
  const window = windowOf(kept[0]!);
  expect((await client.request(Flush, 0, 0)).error).toBe(NbdError.Io);
  expect((await lost).error).toBe(NbdError.Io);
  await engine.detachFilter(port.device.name, 'hoard', { force: true });

  // Everything that the connection and the pool would use next, and what they would use after that.
  for (let round = 0; round < 4; round++) {
    disk.hold();
    const next = Array.from({ length: 4 }, () => client.request(command, 0, length, 0, data));
    await until(() => disk.held.length === 4);
    expect(disk.held.some((bio) => overlap(windowOf(bio), window))).toBe(false);
    disk.release();
    for (const { error } of await Promise.all(next)) expect(error).toBe(0);
  }
});

interface Window {
  readonly memory: ArrayBufferLike;
  readonly start: number;
  readonly end: number;
}

function windowOf({ buffer, bufferOffset, count }: Bio): Window {
  const start = buffer.byteOffset + bufferOffset;
  return { memory: buffer.buffer, start, end: start + count * SECTOR_SIZE };
}

function overlap(one: Window, other: Window): boolean {
  return one.memory === other.memory && one.start < other.end && other.start < one.end;
}
