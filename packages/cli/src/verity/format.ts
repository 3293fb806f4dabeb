import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { fail, fromSystemError, type Port, SECTOR_SIZE } from '@interposer/core';
import {
  buildTree,
  dumpText,
  encodeFec,
  type FecLayout,
  layOutTree,
  treeStart,
  type VerityParams,
  writeSuperblock,
} from '@interposer/format-verity';
import { userFile } from '../user-file.ts';
import type { Command } from '../verb.ts';
import { bytesOf, fecLayoutOf, growFile, type Images, isSame, withImages } from './images.ts';
import { factsOf } from './report.ts';
import { type Offsets, readOffsets, readShape, type Shape } from './settings.ts';

/** Hashes the data, and writes superblock, tree and parity. */
export async function formatVerity(command: Command): Promise<undefined> {
  const { options } = command;
  const [data, hash] = command.operands.map((path) => userFile(command, path)) as [string, string];
  const fec = options.get('fec-device');
  const offsets = readOffsets(options);
  const shape = readShape(options, true);
  const uuid = offsets.hasSuperblock ? (options.get('uuid') ?? randomUUID()) : '';
  const report = (message: string): void => void command.around.stderr.write(`interposer: ${message}\n`);
  const made = await withImages(report, (images) =>
    new Formatting(
      images,
      { data, hash, fec: fec === undefined ? undefined : userFile(command, fec) },
      offsets,
    ).run(shape, uuid),
  );
  const name = command.operands[1]!;
  const file = options.get('root-hash-file');
  if (file !== undefined) await writeRootHash(userFile(command, file), made.root);
  const facts = factsOf({ name, uuid, params: made.params, rootHash: made.root }, offsets, made.layout);
  command.show({ ...facts.json, table: tableOf(command.operands, fec, made, offsets) }, () =>
    dumpText(facts.dump),
  );
  return undefined;
}

/** What was made. */
interface Made {
  readonly params: VerityParams;
  readonly root: string;
  readonly layout: FecLayout | undefined;
}

interface Paths {
  readonly data: string;
  readonly hash: string;
  readonly fec: string | undefined;
}

class Formatting {
  readonly #images: Images;
  readonly #paths: Paths;
  readonly #offsets: Offsets;

  constructor(images: Images, paths: Paths, offsets: Offsets) {
    this.#images = images;
    this.#paths = paths;
    this.#offsets = offsets;
  }

  async run(shape: Shape, uuid: string): Promise<Made> {
    const { hashOffset, hasSuperblock } = this.#offsets;
    const data = await this.#openData();
    const params = paramsFor(shape, data);
    const hashStart = treeStart(hashOffset, params.hashBlockSize, hasSuperblock);
    const end = layOutTree(params, hashStart).end * params.hashBlockSize;
    await this.#checkApart(params, Math.min(hashOffset, hashStart * params.hashBlockSize));
    await growFile(this.#paths.hash, end);
    const hash = await this.#images.write(this.#paths.hash);
    if (bytesOf(hash) < end)
      throw fail('ENOSPC', `${this.#paths.hash} is too small for the tree: ${String(end)} bytes are needed`);
    if (hasSuperblock) await writeSuperblock(hash, hashOffset, { uuid, params });
    const root = await buildTree({ params, data, hash, hashStart });
    await hash.flush();
    return { params, root, layout: await this.#writeParity(params, data, hash, hashStart) };
  }

  /** A device that is open for reading cannot be opened for writing as well, so what holds both is opened for writing at once. */
  async #openData(): Promise<Port> {
    const { data, hash, fec } = this.#paths;
    const isWritten = (await isSame(data, hash)) || (fec !== undefined && (await isSame(data, fec)));
    return isWritten ? this.#images.write(data) : this.#images.read(data);
  }

  /** The tree would destroy what it is of. Without a superblock it begins with the block that the offset is in. */
  async #checkApart({ dataBlocks, dataBlockSize }: VerityParams, firstByte: number): Promise<void> {
    const { data, hash } = this.#paths;
    if (firstByte < dataBlocks * dataBlockSize && (await isSame(data, hash)))
      throw fail('EINVAL', 'the data overlaps with the tree of hashes: see --data-blocks and --hash-offset');
  }

  async #writeParity(
    params: VerityParams,
    data: Port,
    hash: Port,
    hashStart: number,
  ): Promise<FecLayout | undefined> {
    const { fec: path } = this.#paths;
    if (path === undefined) return undefined;
    const { fecOffset } = this.#offsets;
    const isSameDevice = await isSame(path, this.#paths.hash);
    const layout = fecLayoutOf(params, this.#offsets, hash, isSameDevice);
    if (layout.blocks < params.dataBlocks + layOutTree(params, 0).blocks)
      throw fail('EINVAL', 'the tree of hashes overlaps with the parity: see --fec-offset');
    if (!isSameDevice && (await isSame(path, this.#paths.data)))
      throw fail('EINVAL', 'the parity would overwrite the data: put it elsewhere');
    await growFile(path, fecOffset + layout.parityBlocks * params.dataBlockSize);
    const fec = await this.#images.write(path);
    await encodeFec({ params, data, hash, hashStart, layout, fec, fecOffset });
    await fec.flush();
    return layout;
  }
}

function paramsFor(shape: Shape, data: Port): VerityParams {
  const most = Math.floor(bytesOf(data) / shape.dataBlockSize);
  const dataBlocks = shape.dataBlocks ?? most;
  if (dataBlocks > most)
    throw fail(
      'EINVAL',
      `${String(dataBlocks)} blocks of data are more than the device has: ${String(most)}`,
    );
  return { ...shape, dataBlocks };
}

/** The line of a table that opens the image. */
function tableOf(
  [data = '', hash = '']: readonly string[],
  parity: string | undefined,
  { params, root, layout }: Made,
  offsets: Offsets,
): string {
  const { dataBlockSize, hashBlockSize, dataBlocks, salt } = params;
  const start = treeStart(offsets.hashOffset, hashBlockSize, offsets.hasSuperblock);
  const words = [
    ...[0, (dataBlocks * dataBlockSize) / SECTOR_SIZE, 'verity', params.hashType, data, hash],
    ...[dataBlockSize, hashBlockSize, dataBlocks, start, params.algorithm.name, root],
    salt.length === 0 ? '-' : Buffer.from(salt).toString('hex'),
  ];
  const fecStart = offsets.fecOffset / dataBlockSize;
  // A table counts blocks: parity that begins within one only veritysetup finds.
  if (layout === undefined || parity === undefined || !Number.isInteger(fecStart)) return words.join(' ');
  const counts = ['fec_blocks', layout.blocks, 'fec_start', fecStart, 'fec_roots', layout.roots];
  return [...words, 8, 'use_fec_from_device', parity, ...counts].join(' ');
}

async function writeRootHash(path: string, root: string): Promise<void> {
  try {
    await writeFile(path, root, { mode: 0o600 });
  } catch (error) {
    throw fromSystemError(error, `--root-hash-file ${path}`);
  }
}
