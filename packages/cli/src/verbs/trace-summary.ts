import { OP_COUNT, OP_NAMES, SECTOR_SIZE } from '@interposer/core';
import type { BioRecord, TraceHeader, TraceRecord } from '@interposer/filter-trace';
import { formatTable } from './text-table.ts';
import { LatencyHistogram } from './trace-latencies.ts';
import { SubmissionOrder } from './trace-order.ts';
import { microseconds, seconds } from './trace-text.ts';

const PERCENTILES = [50, 90, 99, 99.9] as const;

/** What the bios of one operation come to. */
class OpSummary {
  count = 0;
  sectors = 0;
  errors = 0;
  /** Bios that began where the one before, of the same operation, ended. */
  sequential = 0;
  end = -1;
  readonly latencies: LatencyHistogram = new LatencyHistogram();

  add({ count, status, duration }: BioRecord): void {
    this.count++;
    this.sectors += count;
    if (status !== 0) this.errors++;
    this.latencies.add(duration);
  }

  follow({ sector, count }: BioRecord): void {
    if (sector === this.end) this.sequential++;
    this.end = sector + count;
  }
}

/** Adds up the records of a trace. */
export class TraceSummary {
  readonly #header: TraceHeader;
  readonly #ops: readonly OpSummary[] = Array.from({ length: OP_COUNT }, () => new OpSummary());
  readonly #order = new SubmissionOrder((record) => {
    this.#ops[record.op]!.follow(record);
  });
  #dropped = 0;
  #first = Infinity;
  #last = 0;

  constructor(header: TraceHeader) {
    this.#header = header;
  }

  add(record: TraceRecord): void {
    if (record.kind === 'dropped') {
      this.#dropped += record.count;
      return;
    }
    this.#first = Math.min(this.#first, record.time);
    this.#last = Math.max(this.#last, record.time + record.duration);
    this.#ops[record.op]!.add(record);
    if (this.#tellsOrder) this.#order.add(record);
  }

  /** Times in nanoseconds. `sequential` is null where the trace cannot tell. */
  toJson(): object {
    const { device, sectors, started, sample } = this.#header;
    return {
      device,
      sectors,
      started: new Date(started).toISOString(),
      sample,
      records: this.#records,
      dropped: this.#dropped,
      span: this.#span,
      ops: Object.fromEntries(this.#used().map(([name, op]) => [name, this.#opJson(name, op)])),
    };
  }

  toText(): string {
    const { device, sectors, started, sample } = this.#header;
    const lines = [
      `${device}, ${String(sectors)} sectors, from ${new Date(started).toISOString()}`,
      `${sample === 1 ? 'every request' : `one request in ${String(sample)}`}: ${String(this.#records)} recorded, ` +
        `${String(this.#dropped)} dropped, in ${seconds(this.#span)} seconds`,
    ];
    const percentiles = PERCENTILES.map((percent) => `P${String(percent)}`);
    const table = formatTable(
      ['OP', 'COUNT', 'BYTES', 'ERRORS', 'SEQUENTIAL', ...percentiles, 'MAX'],
      this.#used().map(([name, op]) => this.#opCells(name, op)),
    );
    const rest = this.#records === 0 ? '' : `\n${table}\nLatencies are microseconds, within 1 %.\n`;
    return `${lines.join('\n')}\n${rest}`;
  }

  get #records(): number {
    return this.#ops.reduce((sum, { count }) => sum + count, 0);
  }

  get #span(): number {
    return this.#records === 0 ? 0 : this.#last - this.#first;
  }

  /** The operations that occur, by name. */
  #used(): [name: string, op: OpSummary][] {
    this.#order.finish();
    return this.#ops.flatMap((op, number): [string, OpSummary][] =>
      op.count === 0 ? [] : [[OP_NAMES[number]!, op]],
    );
  }

  /** What follows what is not to be seen where bios are left out. */
  get #tellsOrder(): boolean {
    return this.#header.sample === 1;
  }

  /** Null where there is none; a flush is nowhere. */
  #sequentialShare(name: string, { sequential, count }: OpSummary): number | null {
    return this.#tellsOrder && name !== 'flush' ? sequential / count : null;
  }

  #opJson(name: string, op: OpSummary): object {
    const { count, sectors, errors, latencies } = op;
    return {
      count,
      bytes: sectors * SECTOR_SIZE,
      errors,
      sequential: this.#sequentialShare(name, op),
      latency: {
        ...Object.fromEntries(
          PERCENTILES.map((percent) => [`p${String(percent)}`, latencies.percentile(percent)]),
        ),
        max: latencies.max,
      },
    };
  }

  #opCells(name: string, op: OpSummary): string[] {
    const share = this.#sequentialShare(name, op);
    return [
      name,
      String(op.count),
      String(op.sectors * SECTOR_SIZE),
      String(op.errors),
      share === null ? '-' : `${(100 * share).toFixed(1)} %`,
      ...PERCENTILES.map((percent) => microseconds(op.latencies.percentile(percent))),
      microseconds(op.latencies.max),
    ];
  }
}
