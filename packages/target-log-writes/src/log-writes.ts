import {
  type Area,
  asFilter,
  type Bio,
  BioFlag,
  BioOp,
  type Clock,
  defineTarget,
  EndResult,
  type Extent,
  fail,
  type FilterType,
  type Frame,
  type Limits,
  MapResult,
  opSet,
  type Port,
  quoteWord,
  SECTOR_SIZE,
  type Target,
  type TargetContext,
  type TargetType,
} from '@interposer/core';
import { ENTRY_SIZE, LogFlag } from '@interposer/write-log';
import { RecordQueue } from './log-record.ts';
import { LogWriter } from './log-writer.ts';

/** The mark that each log ends with, as in the kernel. */
const END_MARK = 'dm-log-writes-end';

/** How long the end waits for the log device, in milliseconds. The kernel waits for ever. */
const PATIENCE = 10_000;

/** What the parser makes of a line's arguments. */
interface LogWritesArgs {
  readonly device: Port;
  readonly log_device: Port;
}

/**
 * Sectors are those of the device below, wherever the row begins. Writes and discards are logged when a flush that was sent
 * after their end has ended; writes with FUA, and marks, at once. Kernel: dm-log-writes.c.
 */
class LogWrites implements Target, Frame {
  readonly #begin: number;
  readonly #sectors: number;
  readonly #port: Port;
  readonly #logPort: Port;
  readonly #blockSize: number;
  readonly #writer: LogWriter;
  /** What ended, and no flush was sent since. */
  readonly #unflushed = new RecordQueue();
  /** A table that never was in use leaves the log device alone, which another one may be writing to. */
  #used = false;
  readonly #nameOf: (log: Port) => string;
  readonly #clock: Clock;
  readonly #log: (message: string) => void;

  /** `<device> <log_device>` */
  constructor(
    { begin, sectors, clock, log }: TargetContext,
    { device, log_device }: LogWritesArgs,
    nameOf: (log: Port) => string,
  ) {
    this.#begin = begin;
    this.#sectors = sectors;
    this.#port = device;
    this.#logPort = log_device;
    this.#blockSize = device.limits.logicalBlock;
    this.#writer = new LogWriter(log_device, this.#blockSize, log);
    this.#nameOf = nameOf;
    this.#clock = clock;
    this.#log = log;
  }

  map(bio: Bio): MapResult {
    bio.port = this.#port;
    if (bio.op !== BioOp.Read && this.#writer.enabled) bio.watch(this, this.#takeDown(bio));
    return MapResult.Remapped;
  }

  /** Whether it went well makes no difference, as in the kernel: what failed may still have reached the disk. */
  endIo(_bio: Bio, cookie: number): EndResult {
    const record = this.#writer.records.at(cookie);
    const { flags } = record;
    if ((flags & LogFlag.Flush) !== 0) {
      this.#writer.writeAll(record.covered);
      this.#writer.write(record);
    } else if ((flags & LogFlag.Fua) !== 0) this.#writer.write(record);
    else this.#unflushed.push(record);
    return EndResult.Done;
  }

  /** A record of what the bio asks for, with a copy of its data, and its number. */
  #takeDown({ op, flags, sector, count, buffer, bufferOffset }: Bio): number {
    const { records, buffers } = this.#writer;
    const record = records.get();
    if (op === BioOp.Flush) {
      record.flags = LogFlag.Flush;
      record.covered.takeAll(this.#unflushed);
      return record.number;
    }
    record.sector = sector;
    record.count = count;
    if (op === BioOp.Discard) {
      record.flags = LogFlag.Discard;
      return record.number;
    }
    record.flags = (flags & BioFlag.Fua) === 0 ? 0 : LogFlag.Fua;
    const bytes = count * SECTOR_SIZE;
    record.data = buffers.get(bytes);
    copyBytes(record.data, buffer, bufferOffset, bytes);
    return record.number;
  }

  areas(): readonly Area[] {
    return [{ port: this.#port, start: this.#begin, count: this.#sectors }];
  }

  /** Kernel: log_writes_io_hints. It is told of flushes even where the device needs none. */
  limits(stacked: Limits): Limits {
    return { ...stacked, ioMin: stacked.physicalBlock, volatileCache: true };
  }

  table(): string {
    return `${this.#port.device.number} ${this.#nameOf(this.#logPort)}`;
  }

  /** `<entries> <last sector they take>[ logging_disabled]` */
  status(): string {
    return this.#writer.status;
  }

  message(words: readonly string[]): string {
    const [word, text] = words;
    if (words.length !== 2)
      throw fail(
        'EINVAL',
        `Invalid log-writes message arguments, expect 2 arguments, got ${String(words.length)}`,
      );
    if (word !== 'mark') throw fail('EINVAL', `Unrecognised log writes target message received: ${word!}`);
    this.#mark(text!);
    return '';
  }

  extents(sector: number, count: number): Promise<Extent[]> {
    return this.#port.extents(sector, count);
  }

  resume(): void {
    this.#used = true;
  }

  /** What no flush covered is logged too, and then the end. */
  async close(): Promise<void> {
    if (this.#used) {
      this.#writer.writeAll(this.#unflushed);
      this.#mark(END_MARK);
      if (!(await this.#writer.idle(this.#clock, PATIENCE)))
        this.#log('The log device does not answer: the log has no end');
    }
    this.#writer.stop();
  }

  /** Not held back for a flush. A zero must be behind the text in its block. */
  #mark(text: string): void {
    const record = this.#writer.records.get();
    record.flags = LogFlag.Mark;
    record.text = Buffer.from(text).subarray(0, this.#blockSize - ENTRY_SIZE - 1);
    this.#writer.write(record);
  }
}

/** Without a view of the source where it is a Buffer, as it is on the way of requests. */
function copyBytes(target: Buffer, source: Uint8Array, offset: number, bytes: number): void {
  if (Buffer.isBuffer(source)) source.copy(target, 0, offset, offset + bytes);
  else target.set(source.subarray(offset, offset + bytes));
}

/** `nameOf` is how the log device is called in the table. */
function typeNaming(nameOf: (log: Port) => string): TargetType {
  return defineTarget({
    name: 'log-writes',
    version: [1, 1, 0],
    ops: opSet(BioOp.Read, BioOp.Write, BioOp.Flush, BioOp.Discard),
    params: [
      { name: 'device', kind: 'device', about: 'the device below' },
      {
        name: 'log_device',
        kind: 'device',
        error: 'Log device lookup failed',
        about: 'the device for the log; what it has from its first sector on is lost',
      },
    ],
    countError: 'Invalid argument count',
    create: (context, args) => new LogWrites(context, args, nameOf),
  });
}

/** One device below, with a log of whatever changes it on another. */
export const logWrites: TargetType = typeNaming(({ device }) => device.number);

/** The same under a live device. A number is gone with the last user of a device, so the log device is called by its name. */
export const logWritesFilter: FilterType = asFilter(
  typeNaming(({ device }) => quoteWord(device.name)),
  { altitude: '100000', keepsData: true },
);
