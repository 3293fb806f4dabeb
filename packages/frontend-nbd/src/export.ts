import { BioOp, fail, hasOp, type Limits, type Port, SECTOR_SIZE } from '@interposer/core';
import { type BlockSizes, DEFAULT_MAX_PAYLOAD, encodeText, TransmissionFlag } from '@interposer/nbd-protocol';
import type { NbdBlockSizes, NbdExport, NbdExportState } from './options.ts';
import type { Dialect } from './dialect.ts';
import { type RangeLock, rangeLockOf } from './range-lock.ts';

/** What is preferred where the device has no wish of its own, and the least that the protocol allows. */
const SMALLEST_PREFERRED = 4096;
const SMALLEST_ALLOWED = 512;

/** The protocol's bound on the minimum block size. */
const LARGEST_MINIMUM = 65536;

/** An export as clients see it. Follows the limits of its device. */
export class Export {
  readonly name: string;
  readonly description: string;
  readonly port: Port;
  readonly lock: RangeLock;
  /** In bytes; whole blocks, also of the minimum that clients are told. */
  size = 0;
  /** Transmission flags, without those that depend on the dialect: see `flagsFor`. */
  flags = 0;
  /** Whether zeroing takes less than writing zeroes. */
  fastZeroes = false;
  /** The block sizes that every request must keep to; null: requests of any bytes are served. */
  strict: BlockSizes | null = null;
  /** Bytes of the device's logical block: requests that are not made of whole blocks take the slow way. */
  block: number = SECTOR_SIZE;
  connections = 0;
  readonly #readOnly: boolean;
  readonly #sizes: NbdBlockSizes;

  constructor({ name, port, description = '', readOnly = false, blockSizes = {} }: NbdExport) {
    checkText('name', name);
    checkText('description', description);
    this.name = name;
    this.description = description;
    this.port = port;
    this.lock = rangeLockOf(port.device);
    this.#readOnly = readOnly || port.mode === 'read';
    this.#sizes = blockSizes;
    this.#follow(port.device.limits);
    checkBlockSizes(this.blockSizes);
    port.onLimits = (limits) => this.#follow(limits);
  }

  get readOnly(): boolean {
    return (this.flags & TransmissionFlag.ReadOnly) !== 0;
  }

  get blockSizes(): BlockSizes {
    const { physicalBlock, ioMin } = this.port.device.limits;
    // Any client may send single bytes; one that listens is spared the read before the write.
    const natural = this.block === SECTOR_SIZE ? 1 : Math.min(this.block, LARGEST_MINIMUM);
    const { minimum = natural, preferred, maximum = DEFAULT_MAX_PAYLOAD } = this.#sizes;
    const wishes = [physicalBlock, ioMin].filter((size) => isPowerOfTwo(size) && size <= maximum);
    return {
      minimum,
      preferred: preferred ?? Math.max(SMALLEST_PREFERRED, minimum, ...wishes),
      maximum,
    };
  }

  /** What clients of a dialect are told. Who chose no contexts has none to choose from in a request either. */
  flagsFor({ chunked, extended }: Dialect, contexts: readonly unknown[]): number {
    const own = chunked ? TransmissionFlag.SendDf : 0;
    return this.flags | own | (extended && contexts.length > 0 ? TransmissionFlag.BlockStatusPayload : 0);
  }

  get state(): NbdExportState {
    const { name, description, readOnly, connections } = this;
    return { name, description, readOnly, connections };
  }

  /** The port is only its opener's again. */
  detach(): void {
    this.port.onLimits = null;
  }

  #follow(limits: Limits): void {
    const { logicalBlock, sectors } = limits;
    const bytes = Math.min(sectors, Math.floor(Number.MAX_SAFE_INTEGER / SECTOR_SIZE)) * SECTOR_SIZE;
    this.block = logicalBlock;
    const sizes = this.blockSizes;
    this.strict = this.#sizes.strict === true ? sizes : null;
    this.size = bytes - (bytes % Math.max(logicalBlock, sizes.minimum));
    this.fastZeroes = limits.fastZeroes;
    this.flags = transmissionFlags(
      limits,
      this.#readOnly || limits.readOnly || !hasOp(limits.ops, BioOp.Write),
    );
  }
}

/** Only what the device honours. All connections of an export share one device without caches of their own. */
function transmissionFlags({ ops, rotational }: Limits, readOnly: boolean): number {
  let flags = TransmissionFlag.HasFlags | TransmissionFlag.CanMultiConn | TransmissionFlag.SendCache;
  if (readOnly) flags |= TransmissionFlag.ReadOnly;
  if (rotational) flags |= TransmissionFlag.Rotational;
  // After discards and zeroes FUA is a flush, so it takes a device that can flush.
  if (hasOp(ops, BioOp.Flush)) flags |= TransmissionFlag.SendFlush | TransmissionFlag.SendFua;
  if (!readOnly && hasOp(ops, BioOp.Discard)) flags |= TransmissionFlag.SendTrim;
  // Fast zeroes are refused at once where they are not fast: that is all the flag promises.
  const zeroes = TransmissionFlag.SendWriteZeroes | TransmissionFlag.SendFastZero;
  if (!readOnly && hasOp(ops, BioOp.WriteZeroes)) flags |= zeroes;
  return flags;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

/** Rules: doc/proto.md, "Block size constraints". */
function checkBlockSizes({ minimum, preferred, maximum }: BlockSizes): void {
  const problem =
    !isPowerOfTwo(minimum) || minimum > LARGEST_MINIMUM
      ? `minimum ${String(minimum)} is no power of two of 1 to ${String(LARGEST_MINIMUM)}`
      : !isPowerOfTwo(preferred) || preferred < Math.max(minimum, SMALLEST_ALLOWED)
        ? `preferred ${String(preferred)} is no power of two of at least ${String(Math.max(minimum, SMALLEST_ALLOWED))}`
        : !Number.isInteger(maximum) || maximum < preferred || maximum > DEFAULT_MAX_PAYLOAD
          ? `maximum ${String(maximum)} is not within ${String(preferred)} and ${String(DEFAULT_MAX_PAYLOAD)}`
          : undefined;
  if (problem !== undefined) throw fail('EINVAL', `the block sizes of an export: ${problem}`);
}

function checkText(what: string, text: string): void {
  try {
    encodeText(text);
  } catch (error) {
    throw fail('EINVAL', `the ${what} of an export: ${(error as Error).message}`, error);
  }
}
