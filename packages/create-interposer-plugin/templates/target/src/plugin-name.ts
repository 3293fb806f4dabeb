import {
  type Area,
  type Bio,
  BioOp,
  BufferPool,
  defineTarget,
  EndResult,
  fail,
  type Frame,
  MapResult,
  opSet,
  type Port,
  SECTOR_SIZE,
  Status,
  type Target,
  type TargetContext,
  type TargetType,
} from '@interposer/core';
import { VeiledWrites } from './veiled-writes.ts';
import { xorBytes } from './xor-bytes.ts';

/** What the parser makes of a line's arguments; the params table below says how. */
interface PluginNameArgs {
  /** Opened and claimed by core, and closed by it: a port through which bios enter the device below. */
  readonly device: Port;
  readonly offset: number;
  readonly key: number;
}

/** One row of a mapped device's table. It is a `Frame` too, for it wants to see bios on their way up. */
class PluginNameTarget implements Target, Frame {
  readonly #port: Port;
  readonly #offset: number;
  readonly #key: number;
  readonly #sectors: number;
  /** From a sector of the mapped device to the same one below. */
  readonly #shift: number;
  readonly #writes = new VeiledWrites(new BufferPool());
  #reads = 0;
  #written = 0;

  /** `<device> <offset> <key> [excl|noexcl]` */
  constructor({ begin, sectors }: TargetContext, { device, offset, key }: PluginNameArgs) {
    this.#port = device;
    this.#offset = offset;
    this.#key = key;
    this.#sectors = sectors;
    this.#shift = offset - begin;
  }

  /**
   * Says where a bio goes. It is called once for each, lies inside the row, and is of an operation in `ops`. It must not
   * block, and should not allocate: this runs for every request.
   */
  map(bio: Bio): MapResult {
    // Reads come back to `endIo`, with the data that is to be unveiled.
    if (bio.op === BioOp.Read) bio.watch(this);
    // The data of a write belongs to the submitter and must not be changed: it is veiled into a buffer of the target's own.
    else if (bio.op === BioOp.Write) bio.watch(this, this.#writes.begin(bio, this.#key));
    bio.port = this.#port;
    bio.sector += this.#shift;
    return MapResult.Remapped;
  }

  /** On the way up, for each bio that `map` watched; the cookie is the number that was given to `watch`. */
  endIo(bio: Bio, cookie: number): EndResult {
    const failed = bio.status !== Status.Ok;
    if (bio.op === BioOp.Write) {
      this.#writes.end(bio, cookie);
      if (!failed) this.#written++;
    } else if (!failed) {
      xorBytes(
        bio.buffer,
        bio.bufferOffset,
        bio.buffer,
        bio.bufferOffset,
        bio.count * SECTOR_SIZE,
        this.#key,
      );
      this.#reads++;
    }
    return EndResult.Done;
  }

  /** What the row uses below: core checks its size and alignment, and stacks its limits. */
  areas(): readonly Area[] {
    return [{ port: this.#port, start: this.#offset, count: this.#sectors }];
  }

  /** The arguments that make the row again. Devices are shown by number, as the kernel does. */
  table(): string {
    return `${this.#port.device.number} ${String(this.#offset)} ${String(this.#key)}`;
  }

  /** Shown by `interposer status`. */
  status(): string {
    return `${String(this.#reads)} ${String(this.#written)}`;
  }

  /** `interposer message DEV SECTOR WORD...` ends up here, the first word in small letters. What it returns is shown. */
  message(words: readonly string[]): string {
    if (words.join(' ') !== 'reset') throw fail('EINVAL', 'target plugin-name: the one message is: reset');
    this.#reads = 0;
    this.#written = 0;
    return '';
  }
}

/** Maps a run of sectors onto a run of sectors of another device, with each byte combined with a key. No encryption! */
export const pluginNameTarget: TargetType = defineTarget({
  name: 'plugin-name',
  version: [1, 0, 0],
  // Write-zeroes is left out: zeroes that the device below writes by itself would not be veiled. An operation that is not
  // declared is answered "not supported", and whoever asked writes zeroes as data instead.
  ops: opSet(BioOp.Read, BioOp.Write, BioOp.Flush, BioOp.Discard),
  // A flush has nothing to map: core sends one to each device below, however many rows use it.
  features: { flushBypassesMap: true },
  // Core parses the words of a table line by this table, and tells what is wrong with them.
  params: [
    { name: 'device', kind: 'device', claim: 'claim', about: 'the device below' },
    { name: 'offset', kind: 'sector', about: 'its first sector that is used' },
    { name: 'key', kind: 'uint', max: 255, about: 'what every byte is combined with' },
    {
      name: 'claim',
      kind: 'claim',
      optional: true,
      about: 'whether others may have the device open for themselves; `excl` by default',
    },
  ],
  // Whatever can fail belongs here: the table is not live yet.
  create: (context, args) => new PluginNameTarget(context, args),
});
