import { type Port, SECTOR_SIZE } from '@interposer/core';

/** Sectors that the writer goes over, from this one on. */
const FIRST = 2048;
const SECTORS = 256;
const BATCH = 8;

/** How a workload went. */
export interface WorkloadTotals {
  reads: number;
  writes: number;
  /** Requests that failed, and sectors that did not hold what was acknowledged. */
  problems: string[];
}

/**
 * A writer that stamps sectors with their number and a sequence number, over and over, and a reader that checks them: a
 * sector must never hold less than what was acknowledged before the read began. While a write is under way a read may meet
 * parts of both, as on any system that caches files; without one a sector must be whole.
 */
export class Workload {
  readonly totals: WorkloadTotals = { reads: 0, writes: 0, problems: [] };
  readonly #port: Port;
  /** The sequence number acknowledged last, by sector. */
  readonly #acknowledged = new Uint32Array(SECTORS);
  /** The sequence number sent last, by sector. */
  readonly #sent = new Uint32Array(SECTORS);
  #running: Promise<unknown> = Promise.resolve();
  #stopping = false;

  constructor(port: Port) {
    this.#port = port;
  }

  start(): void {
    this.#running = Promise.all([this.#write(), this.#read()]);
  }

  /** Lets both end, and checks every sector once more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    for (let at = 0; at < SECTORS; at += BATCH) await this.#check(at);
  }

  async #write(): Promise<void> {
    const data = new Uint8Array(BATCH * SECTOR_SIZE);
    for (let sequence = 1; !this.#stopping; sequence++) {
      const at = (sequence * BATCH) % SECTORS;
      for (let sector = 0; sector < BATCH; sector++) stamp(data, sector, at + sector, sequence);
      this.#sent.fill(sequence, at, at + BATCH);
      try {
        await this.#port.write(FIRST + at, data);
        this.#acknowledged.fill(sequence, at, at + BATCH);
        this.totals.writes++;
      } catch (error) {
        this.totals.problems.push(String(error));
      }
    }
  }

  async #read(): Promise<void> {
    for (let turn = 0; !this.#stopping; turn++) await this.#check((turn * 5 * BATCH) % SECTORS);
  }

  async #check(at: number): Promise<void> {
    const before = this.#acknowledged.slice(at, at + BATCH);
    try {
      const data = await this.#port.read(FIRST + at, BATCH);
      this.totals.reads++;
      for (let sector = 0; sector < BATCH; sector++) {
        const quiet = this.#sent[at + sector] === before[sector];
        const problem = wrong(data, sector, at + sector, before[sector]!, quiet);
        if (problem !== undefined) this.totals.problems.push(problem);
      }
    } catch (error) {
      this.totals.problems.push(String(error));
    }
  }
}

function stamp(data: Uint8Array, sector: number, number: number, sequence: number): void {
  const words = new DataView(data.buffer, data.byteOffset + sector * SECTOR_SIZE, SECTOR_SIZE);
  // The whole sector, so that one written by halves would be seen.
  for (let at = 0; at < SECTOR_SIZE; at += 8) {
    words.setUint32(at, number);
    words.setUint32(at + 4, sequence);
  }
}

/** What is wrong with a sector; `quiet` says that no write to it was under way during the read. */
function wrong(
  data: Uint8Array,
  sector: number,
  number: number,
  atLeast: number,
  quiet: boolean,
): string | undefined {
  const words = new DataView(data.buffer, data.byteOffset + sector * SECTOR_SIZE, SECTOR_SIZE);
  for (let at = 0; at < SECTOR_SIZE; at += 8) {
    const sequence = words.getUint32(at + 4);
    if (sequence < atLeast)
      return `sector ${String(number)} lost write ${String(atLeast)}: it holds ${String(sequence)}`;
    if (sequence > 0 && words.getUint32(at) !== number) return `sector ${String(number)} holds another`;
    if (quiet && sequence !== words.getUint32(4)) return `sector ${String(number)} is torn`;
  }
  return undefined;
}
