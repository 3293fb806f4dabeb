import type { FecLayout } from './fec.ts';
import type { VerityParams } from './params.ts';
import { treeStart } from './superblock.ts';
import { layOutTree } from './tree.ts';

/** What a listing of an image is made from. */
export interface DumpFacts {
  /** The hash device, as the user named it. */
  readonly name: string;
  /** Empty where there is no superblock. */
  readonly uuid: string;
  readonly params: VerityParams;
  /** Where the superblock stands, or the tree without one, in bytes. */
  readonly hashOffset: number;
  readonly hasSuperblock: boolean;
  /** In hexadecimal, where it is known. */
  readonly rootHash?: string;
  readonly fec?: { readonly layout: FecLayout; readonly offset: number };
}

/** The listing, line by line that of `veritysetup dump` and of `veritysetup format`. */
export function dumpText(facts: DumpFacts): string {
  const { name, uuid, params, fec } = facts;
  const rows: (readonly [label: string, value: string | number])[] = [
    ['UUID', uuid],
    ['Hash type', params.hashType],
    ['Data blocks', params.dataBlocks],
    ['Data block size', params.dataBlockSize],
    ['Hash blocks', layOutTree(params, 0).blocks],
    ['Hash block size', params.hashBlockSize],
    ['Hash algorithm', params.algorithm.name],
    ...(fec === undefined
      ? []
      : ([
          ['FEC RS roots', fec.layout.roots],
          ['FEC blocks', fec.layout.parityBlocks],
        ] as const)),
    ['Salt', params.salt.length === 0 ? '-' : Buffer.from(params.salt).toString('hex')],
  ];
  const lines = rows.map(([label, value]) => line(label, value)).join('');
  return `VERITY header information for ${name}\n${lines}${rootLine(facts)}${sizeLines(facts)}`;
}

/** veritysetup pads some labels with one blank less. */
function line(label: string, value: string | number): string {
  const width = label.startsWith('FEC') || label.startsWith('Root') ? 16 : 17;
  return `${`${label}:`.padEnd(width)}\t${String(value)}\n`;
}

function rootLine({ rootHash }: DumpFacts): string {
  return rootHash === undefined ? '' : line('Root hash', rootHash);
}

/** How large the devices must be, of those that have nothing else in front. */
function sizeLines({ params, hashOffset, hasSuperblock, fec }: DumpFacts): string {
  const end = layOutTree(params, treeStart(hashOffset, params.hashBlockSize, hasSuperblock)).end;
  const hashSize = `Hash device size: \t${String(end * params.hashBlockSize)} [bytes]\n`;
  const hash = hashOffset === 0 ? hashSize : '';
  if (fec?.offset !== 0) return hash;
  return `${hash}FEC device size: \t${String(fec.layout.parityBlocks * params.dataBlockSize)} [bytes]\n`;
}
