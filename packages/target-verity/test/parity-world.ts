import { encodeFec, layOutFec, type VerityParams } from '@interposer/format-verity';
import { BufferStore } from './images.ts';
import { World } from './world.ts';

/** A world whose parity disk is written, and the words for it. */
export async function withParity(
  roots: number,
  given: Partial<VerityParams> = {},
): Promise<{ world: World; words: string }> {
  const world = await World.make(given);
  const { params } = world;
  const blocks = params.dataBlocks + world.hash.data.length / params.hashBlockSize - 1;
  const layout = layOutFec(params, roots, blocks);
  const store = (bytes: Uint8Array): BufferStore =>
    new BufferStore(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  await encodeFec({
    ...{ params, layout, hashStart: 1, fecOffset: params.dataBlockSize },
    ...{ data: store(world.data.data), hash: store(world.hash.data), fec: store(world.parity.data) },
  });
  const counts = `fec_blocks ${String(blocks)} fec_start 1 fec_roots ${String(roots)}`;
  return { world, words: `use_fec_from_device chaos:parity ${counts}` };
}
