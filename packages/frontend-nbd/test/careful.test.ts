import { createEngine, SECTOR_SIZE } from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { NbdCommand } from '@interposer/nbd-protocol';
import { expect, it } from 'vitest';
import { performCarefully } from '../src/careful.ts';
import { Export } from '../src/export.ts';
import { Request } from '../src/request.ts';
import { later } from '../../../tools/temporary.ts';
import { pattern } from './fixture.ts';

async function exportOfMemory(): Promise<Export> {
  const engine = createEngine({ types: [ram] });
  const port = await engine.open('ram:1M');
  later(async () => {
    port.close();
    await engine.close();
  });
  return new Export({ name: '', port });
}

function writeOf(offset: number, data: Buffer): Request {
  const request = new Request({ ended: () => undefined });
  request.command = NbdCommand.Write;
  request.offset = offset;
  request.length = data.length;
  request.payload = data;
  return request;
}

it('what waited while the blocks of the device became larger keeps apart from others in its block', async () => {
  const exported = await exportOfMemory();
  const { lock, port } = exported;
  const image = pattern(4096, 1);
  await port.write(0, image);
  const before = await lock.acquire(0, 4096 / SECTOR_SIZE);
  // They are in different blocks when they are asked for, and in one when their turn comes.
  const writes = [pattern(50, 2), pattern(50, 3)].map((data, index) => {
    data.copy(image, 100 + 1024 * index);
    return performCarefully(writeOf(100 + 1024 * index, data), exported);
  });
  exported.block = 4096;
  lock.release(before);
  await Promise.all(writes);
  expect(Buffer.from(await port.read(0, 8)).equals(image)).toBe(true);
});
