import { setImmediate } from 'node:timers/promises';
import {
  type Burst,
  burstHeapUse,
  burstOf,
  memoryDriver,
  nullDriver,
  sendBio,
  spanTarget,
} from '@interposer/conformance';
import { BioOp, createEngine, type Port } from '@interposer/core';
import { layOutTree, loadEvpDigests } from '@interposer/format-verity';
import { describe, expect, it } from 'vitest';
import { verity } from '../src/index.ts';
import { format, paramsOf } from './images.ts';

const SECTORS = 4096;
/** Blocks that are hashed in one turn of the event loop. */
const BLOCKS_OF_A_TURN = 2048;

/** Until everything is compiled, for bursts are small. */
const WARM_ROUNDS = 30;

/** Reads that are all verified before the next turn. */
const hashed: Burst = {
  bios: BLOCKS_OF_A_TURN,
  send: (port) => {
    for (let at = 0; at < BLOCKS_OF_A_TURN; at++) sendBio(port, BioOp.Read, (at * 7) % BLOCKS_OF_A_TURN);
  },
};

/** Bytes of the heap for each bio: of a device without data, whose reads leave the zeroes that are in their buffer. */
async function allocated(table: (tree: string) => string, burst: Burst): Promise<number> {
  const disks = memoryDriver();
  const params = paramsOf(512, SECTORS, 1);
  const tree = disks.add('tree', { sectors: layOutTree(params, 0).end });
  const root = await format(Buffer.alloc(SECTORS * 512), Buffer.from(tree.data.buffer), params, false);
  const engine = createEngine({ types: [nullDriver(SECTORS), disks, verity, spanTarget] });
  const words = `1 null: memory:tree 512 512 ${String(SECTORS)} 0 sha256 ${root} ${Buffer.from(params.salt).toString('hex')}`;
  await engine.create('x', { table: `0 ${String(SECTORS)} ${table(words)}`, readOnly: true });
  const port: Port = await engine.open('x', { mode: 'read' });
  await port.read(0, SECTORS);
  for (let round = 0; round < WARM_ROUNDS; round++) {
    burst.send(port);
    await setImmediate();
  }
  const use = await burstHeapUse(port, burst, 3);
  port.close();
  await engine.close();
  return use.allocated;
}

const span = (): string => 'span null: 0';

it('nothing is allocated for a bio whose blocks were verified before', async () => {
  const nothing = await allocated(span, burstOf(BioOp.Read));
  const own = await allocated((words) => `verity ${words} 1 check_at_most_once`, burstOf(BioOp.Read));
  expect(own - nothing).toBeLessThan(4);
});

await loadEvpDigests();

// With the crypto of Node each block leaves its digest, which is a string, and a view of itself.
describe.skipIf(process.env.INTERPOSER_NO_FFI === '1')('with the functions of OpenSSL', () => {
  it('little more than an address is allocated for a block that is verified', async () => {
    const nothing = await allocated(span, hashed);
    const own = await allocated((words) => `verity ${words}`, hashed);
    expect(own - nothing).toBeLessThan(32);
  });
});
