import { fail, SECTOR_SIZE } from '@interposer/core';
import { type FecLayout, layOutFec } from '@interposer/format-verity';
import type { FecWords } from './options.ts';
import { refusal, tooSmall } from './options.ts';
import type { VerityTable } from './table-args.ts';

/** Checks what a line says of parity. Kernel: verity_fec_ctr. */
export function parityLayout({ params, layout, data, hash }: VerityTable, fec: FecWords): FecLayout {
  const { dataBlockSize, dataBlocks } = params;
  const perBlock = dataBlockSize / SECTOR_SIZE;
  if (dataBlockSize !== params.hashBlockSize)
    throw refusal(
      'Block sizes must match to use FEC',
      `${String(dataBlockSize)} and ${String(params.hashBlockSize)}`,
    );
  if (fec.blocks < dataBlocks + layout.blocks)
    throw refusal('Invalid fec_blocks', `there are ${String(dataBlocks + layout.blocks)} of data and tree`);
  const ofHash = layout.end - layout.blocks + fec.blocks - dataBlocks;
  if (ofHash * perBlock > hash.limits.sectors)
    throw tooSmall('Hash device is too small for fec_blocks', `it ends before block ${String(ofHash)}`);
  const parity = layOutFec(params, fec.roots, fec.blocks);
  if ((fec.start + parity.parityBlocks) * perBlock > fec.port.limits.sectors)
    throw tooSmall(
      'FEC device is too small',
      `${String(parity.parityBlocks)} blocks of parity from ${String(fec.start)}`,
    );
  if (dataBlocks * perBlock > data.limits.sectors)
    throw tooSmall('Data device is too small', `${String(dataBlocks)} blocks`);
  if (dataBlockSize < fec.port.limits.logicalBlock)
    throw fail('EINVAL', `FEC device has blocks larger than ${String(dataBlockSize)} bytes`);
  return parity;
}
