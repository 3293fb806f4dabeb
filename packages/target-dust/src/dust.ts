import {
  type Area,
  asFilter,
  type Bio,
  BioOp,
  defineTarget,
  type Extent,
  fail,
  type FilterType,
  MapResult,
  opSet,
  type Port,
  SECTOR_SIZE,
  type Target,
  type TargetContext,
  type TargetType,
} from '@interposer/core';
import { BadBlocks } from './bad-blocks.ts';
import { DustMessages, type DustState } from './dust-messages.ts';

/** The most bytes of a block; the kernel's limit is 2097152 sectors. */
const MAX_BLOCK_SIZE = 2 ** 30;

/** What the parser makes of a line's arguments. */
interface DustArgs {
  readonly device: Port;
  readonly offset: number;
  readonly block_size: number;
}

/** Blocks are counted from the start of the device below, not of the row. Kernel: dm-dust.c. */
class Dust implements Target {
  /** One block, so that a read or write is of one block where the row starts at a whole one. */
  readonly maxIo: number;
  readonly #port: Port;
  readonly #offset: number;
  readonly #sectors: number;
  /** From a sector of the mapped device to the same one below. */
  readonly #shift: number;
  readonly #blocks = new BadBlocks();
  readonly #state: DustState = { enabled: false, quiet: false };
  readonly #messages: DustMessages;
  readonly #log: (message: string) => void;

  /** `<device> <offset> <block_size>` */
  constructor({ begin, sectors, log }: TargetContext, { device, offset, block_size }: DustArgs) {
    checkBlockSize(block_size, sectors);
    this.maxIo = block_size / SECTOR_SIZE;
    this.#port = device;
    this.#offset = offset;
    this.#sectors = sectors;
    this.#shift = offset - begin;
    this.#log = log;
    const lastBlock = (): number => Math.floor(device.limits.sectors / this.maxIo);
    this.#messages = new DustMessages(this.#blocks, this.#state, lastBlock, log);
  }

  /** A flush has no place, but the kernel takes it for a write to sector 0 of the mapped device. */
  map(bio: Bio): MapResult {
    bio.port = this.#port;
    let below = this.#shift;
    if (bio.op !== BioOp.Flush) {
      below += bio.sector;
      bio.sector = below;
    }
    if (!this.#state.enabled || this.#blocks.count === 0) return MapResult.Remapped;
    const block = Math.floor(below / this.maxIo);
    return this.#fails(bio.op, block) ? MapResult.Kill : MapResult.Remapped;
  }

  /** A read of a bad block fails; whatever else goes there, a discard or a flush, counts as a write and makes it good. */
  #fails(op: BioOp, block: number): boolean {
    if (op === BioOp.Read) return this.#blocks.has(block);
    if (this.#blocks.failsWrite(block)) return true;
    if (this.#blocks.remove(block) && !this.#state.quiet)
      this.#log(`block ${String(block)} removed from badblocklist by write`);
    return false;
  }

  areas(): readonly Area[] {
    return [{ port: this.#port, start: this.#offset, count: this.#sectors }];
  }

  table(): string {
    return `${this.#port.device.number} ${String(this.#offset)} ${String(this.maxIo * SECTOR_SIZE)}`;
  }

  status(): string {
    const { enabled, quiet } = this.#state;
    const mode = enabled ? 'fail_read_on_bad_block' : 'bypass';
    return `${this.#port.device.number} ${mode} ${quiet ? 'quiet' : 'verbose'}`;
  }

  message(words: readonly string[]): string {
    return this.#messages.handle(words);
  }

  async extents(sector: number, count: number): Promise<Extent[]> {
    const below = await this.#port.extents(sector + this.#shift, count);
    return below.map((extent) => ({ ...extent, sector: extent.sector - this.#shift }));
  }
}

/** EINVAL, in the words of the kernel, in its order. */
function checkBlockSize(bytes: number, sectors: number): void {
  const largest = Math.min(MAX_BLOCK_SIZE, sectors * SECTOR_SIZE);
  let problem: string;
  if (bytes < SECTOR_SIZE) problem = 'must be at least 512';
  else if (!Number.isInteger(Math.log2(bytes))) problem = 'must be a power of 2';
  else if (bytes > largest) problem = 'is too large';
  else return;
  throw fail('EINVAL', `Block size ${problem} (block_size: ${String(bytes)}; up to ${String(largest)} here)`);
}

/** Blocks of another device, of which some cannot be read until they are written. */
export const dust: TargetType = defineTarget({
  name: 'dust',
  version: [1, 0, 0],
  ops: opSet(BioOp.Read, BioOp.Write, BioOp.Flush, BioOp.Discard),
  params: [
    { name: 'device', kind: 'device', about: 'the device below' },
    {
      name: 'offset',
      kind: 'sector',
      error: 'Invalid device offset sector',
      about: 'its first sector that is used',
    },
    {
      name: 'block_size',
      kind: 'uint',
      min: 1,
      max: 2 ** 32 - 1,
      error: 'Invalid block size parameter',
      about: 'bytes of a block: a power of two from 512 to 1 GiB, and no longer than the row',
    },
  ],
  countError: 'Invalid argument count',
  create: (context, args) => new Dust(context, args),
});

/** The same on a live device, whose blocks turn bad and good by messages. */
export const dustFilter: FilterType = asFilter(dust, { altitude: '145000', keepsData: true });
