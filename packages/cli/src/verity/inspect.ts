import { fail, type Port } from '@interposer/core';
import {
  countRepairable,
  dumpText,
  type FecLayout,
  type Mismatch,
  readSuperblock,
  treeStart,
  type VerityParams,
  verifyTree,
} from '@interposer/format-verity';
import { userFile } from '../user-file.ts';
import type { Command } from '../verb.ts';
import { bytesOf, fecLayoutOf, type Images, isSame, withImages } from './images.ts';
import { factsOf } from './report.ts';
import { type Offsets, readOffsets, readRootHash, readShape } from './settings.ts';

/** Shows what the superblock says. */
export async function dumpVerity(command: Command): Promise<undefined> {
  const [name = ''] = command.operands;
  const offsets = readOffsets(command.options);
  const path = userFile(command, name);
  const { superblock, layout } = await withImages(reportTo(command), async (images) => {
    const hash = await images.read(path);
    const read = await readSuperblock(hash, offsets.hashOffset);
    const found = await parityOf(command, path, read.params, offsets, hash);
    return { superblock: read, layout: found };
  });
  const facts = factsOf({ name, ...superblock }, offsets, layout);
  command.show(facts.json, () => dumpText(facts.dump));
  return undefined;
}

/** Checks every block of data and tree; the exit code is 1 where something is wrong. */
export async function verifyVerity(command: Command): Promise<number> {
  const offsets = readOffsets(command.options);
  const root = await readRootHash(command, command.operands[2]);
  const found = await withImages(reportTo(command), (images) => verify(command, images, offsets, root));
  const { mismatch, repairable } = found;
  if (mismatch !== undefined) {
    const text = [...linesOf(mismatch), ...repairLines(command, repairable)]
      .map((line) => `${line}\n`)
      .join('');
    command.around.stderr.write(text);
  }
  command.show({ verified: mismatch === undefined, ...found }, () => '');
  return mismatch === undefined ? 0 : 1;
}

interface Verdict {
  readonly mismatch?: Mismatch;
  /** Bytes that parity can put right; null where it cannot, absent where there is none. */
  readonly repairable?: number | null;
}

async function verify(command: Command, images: Images, offsets: Offsets, root: string): Promise<Verdict> {
  const [dataPath, hashPath] = command.operands.map((path) => userFile(command, path)) as [string, string];
  const data = await images.read(dataPath);
  const hash = await images.read(hashPath);
  const params = await paramsOf(command, offsets, data, hash);
  if (root.length !== 2 * params.algorithm.digestSize)
    throw fail(
      'EINVAL',
      `a root hash of ${params.algorithm.name} has ${String(2 * params.algorithm.digestSize)} digits`,
    );
  const hashStart = treeStart(offsets.hashOffset, params.hashBlockSize, offsets.hasSuperblock);
  const places = { params, data, hash, hashStart };
  const [mismatch] = await verifyTree(places, root);
  if (mismatch === undefined) return {};
  const layout = await parityOf(command, hashPath, params, offsets, hash);
  if (layout === undefined) return { mismatch };
  const fec = await images.read(userFile(command, command.options.get('fec-device')!));
  const repairable = await countRepairable({ ...places, layout, fec, fecOffset: offsets.fecOffset });
  return { mismatch, repairable: repairable ?? null };
}

async function paramsOf(
  { options }: Command,
  offsets: Offsets,
  data: Port,
  hash: Port,
): Promise<VerityParams> {
  if (offsets.hasSuperblock) return (await readSuperblock(hash, offsets.hashOffset)).params;
  const shape = readShape(options, false);
  return { ...shape, dataBlocks: shape.dataBlocks ?? Math.floor(bytesOf(data) / shape.dataBlockSize) };
}

async function parityOf(
  command: Command,
  hashPath: string,
  params: VerityParams,
  offsets: Offsets,
  hash: Port,
): Promise<FecLayout | undefined> {
  const fec = command.options.get('fec-device');
  if (fec === undefined) return undefined;
  return fecLayoutOf(params, offsets, hash, await isSame(userFile(command, fec), hashPath));
}

function reportTo({ around }: Command): (message: string) => void {
  return (message) => void around.stderr.write(`interposer: ${message}\n`);
}

/** As veritysetup words it. */
function linesOf({ kind, position }: Mismatch): string[] {
  if (kind === 'root') return ['Verification of root hash failed.'];
  const where =
    kind === 'block'
      ? `Verification failed at position ${String(position)}.`
      : `Spare area is not zeroed at position ${String(position)}.`;
  return [where, 'Verification of data area failed.'];
}

function repairLines({ options }: Command, repairable: number | null | undefined): string[] {
  if (!options.has('fec-device') || repairable === undefined) return [];
  return repairable === null
    ? ['Errors cannot be repaired with FEC device.']
    : [`Found ${String(repairable)} repairable errors with FEC device.`];
}
