import { BioOp, fail, hasOp, type Limits, type Port, SECTOR_SIZE } from '@interposer/core';
import { type BlockSizes, DEFAULT_MAX_PAYLOAD, encodeText, TransmissionFlag } from '@interposer/nbd-protocol';
import type { NbdExport, NbdExportState } from './options.ts';
import { type RangeLock, rangeLockOf } from './range-lock.ts';

const SMALLEST_PREFERRED = 4096;

/** The protocol's bound on the minimum block size. */
const LARGEST_MINIMUM = 65536;

/** An export as clients see it. Follows the limits of its device. */
export class Export {
  readonly name: string;
  readonly description: string;
  readonly port: Port;
  readonly lock: RangeLock;
  /** In bytes; whole blocks. */
  size = 0;
  /** Transmission flags. */
  flags = 0;
  /** Bytes of the device's logical block: requests that are not made of whole blocks take the slow way. */
  block: number = SECTOR_SIZE;
  connections = 0;
  readonly #readOnly: boolean;

  constructor({ name, port, description = '', readOnly = false }: NbdExport) {
    checkText('name', name);
    checkText('description', description);
    this.name = name;
    this.description = description;
    this.port = port;
    this.lock = rangeLockOf(port.device);
    this.#readOnly = readOnly || port.mode === 'read';
    this.#follow(port.device.limits);
    port.onLimits = (limits) => this.#follow(limits);
  }

  get readOnly(): boolean {
    return (this.flags & TransmissionFlag.ReadOnly) !== 0;
  }

  get blockSizes(): BlockSizes {
    const { physicalBlock, ioMin } = this.port.device.limits;
    // Any client may send single bytes; one that listens is spared the read before the write.
    const minimum = this.block === SECTOR_SIZE ? 1 : Math.min(this.block, LARGEST_MINIMUM);
    const wishes = [physicalBlock, ioMin].filter((size) => isPowerOfTwo(size) && size <= DEFAULT_MAX_PAYLOAD);
    return {
      minimum,
      preferred: Math.max(SMALLEST_PREFERRED, minimum, ...wishes),
      maximum: DEFAULT_MAX_PAYLOAD,
    };
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
    this.size = bytes - (bytes % logicalBlock);
    this.flags = transmissionFlags(
      limits,
      this.#readOnly || limits.readOnly || !hasOp(limits.ops, BioOp.Write),
    );
  }
}

/** Only what the device honours. All connections of an export share one device without caches of their own. */
function transmissionFlags({ ops, rotational }: Limits, readOnly: boolean): number {
  let flags = TransmissionFlag.HasFlags | TransmissionFlag.CanMultiConn;
  if (readOnly) flags |= TransmissionFlag.ReadOnly;
  if (rotational) flags |= TransmissionFlag.Rotational;
  // After discards and zeroes FUA is a flush, so it takes a device that can flush.
  if (hasOp(ops, BioOp.Flush)) flags |= TransmissionFlag.SendFlush | TransmissionFlag.SendFua;
  if (!readOnly && hasOp(ops, BioOp.Discard)) flags |= TransmissionFlag.SendTrim;
  if (!readOnly && hasOp(ops, BioOp.WriteZeroes)) flags |= TransmissionFlag.SendWriteZeroes;
  return flags;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

function checkText(what: string, text: string): void {
  try {
    encodeText(text);
  } catch (error) {
    throw fail('EINVAL', `the ${what} of an export: ${(error as Error).message}`, error);
  }
}
