import { checkSector, type Random, stampSector } from '@interposer/conformance';
import { BioFlag, type Port, SECTOR_SIZE } from '@interposer/core';

/** Where a stamp has its sequence number, in the byte order of the machine. */
const SEQUENCE_OFFSET = 8;
const WRITERS = 3;
const READERS = 4;
const LARGEST_WRITE = 16;
const LARGEST_READ = 48;
/** Writes to one place that are sent one behind the other without waiting. */
const LONGEST_BURST = 3;
/** Milliseconds after which a request that has not ended is called lost. */
export const PATIENCE = 15_000;
const ENOUGH_PROBLEMS = 20;

/** Where a load works. */
export interface LoadOptions {
  /** One port for each connection. */
  readonly ports: readonly Port[];
  readonly first: number;
  readonly sectors: number;
  /** From this sector on the disk keeps the order of writes that are under way at the same time. */
  readonly orderedFrom: number;
  readonly random: Random;
}

/**
 * Writers and readers on several connections to one disk. Each sector that is written tells where it belongs and which write
 * it is from. What a read finds must be no older than what was acknowledged, or seen, before the read was sent, and no newer
 * than what was sent before it ended.
 */
export class StampedLoad {
  readonly problems: string[] = [];
  reads = 0;
  writes = 0;
  readonly #options: LoadOptions;
  /** By sector: the last write that was sent, that was acknowledged, and that a read found; and how many are under way. */
  readonly #sent: Uint32Array;
  readonly #acknowledged: Uint32Array;
  readonly #seen: Uint32Array;
  readonly #pending: Uint32Array;
  readonly #outstanding = new Map<number, string>();
  #sequence = 0;
  #requests = 0;
  #ended = 0;
  #stopping = false;
  #wake: () => void = () => undefined;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: LoadOptions) {
    this.#options = options;
    const array = (): Uint32Array => new Uint32Array(options.sectors);
    [this.#sent, this.#acknowledged, this.#seen, this.#pending] = [array(), array(), array(), array()];
  }

  start(): void {
    this.#loops = Promise.all(
      this.#options.ports.flatMap((port) => [
        ...Array.from({ length: WRITERS }, () => this.#loop(() => this.#write(port))),
        ...Array.from({ length: READERS }, () => this.#loop(() => this.#read(port))),
      ]),
    );
  }

  /** Resolves when so many more requests have ended, or the load has stopped. */
  async progress(requests: number): Promise<void> {
    const goal = this.#ended + requests;
    const timer = setTimeout(() => this.#note('no request ends any more'), PATIENCE);
    while (this.#ended < goal && !this.#stopping) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    clearTimeout(timer);
  }

  /** Sends nothing more; resolves when all requests have ended, or have not for a long time. */
  async stop(): Promise<void> {
    this.#stopping = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE)));
    await Promise.race([this.#loops, late]);
    clearTimeout(timer);
    for (const request of this.#outstanding.values()) this.#note(`${request} never ended`);
  }

  /** Every sector holds exactly the last write that was sent. `data` begins at the first sector of the load. */
  check(data: Uint8Array, where: string): void {
    for (let at = 0; at < this.#options.sectors; at++) {
      const sequence = this.#sent[at]!;
      const sector = this.#options.first + at;
      const problem = sequence === 0 ? undefined : checkSector(data, at * SECTOR_SIZE, sector, sequence);
      if (problem !== undefined) this.#note(`${where}: ${problem}`);
    }
  }

  async #loop(once: () => Promise<void>): Promise<void> {
    while (!this.#stopping) await once();
  }

  async #write(port: Port): Promise<void> {
    const { random, first, sectors, orderedFrom } = this.#options;
    const count = random.between(1, LARGEST_WRITE);
    let at = random.below(sectors - count + 1);
    while (this.#pending.subarray(at, at + count).some((pending) => pending > 0)) {
      at = random.below(sectors - count + 1);
    }
    const burst = first + at >= orderedFrom ? random.between(1, LONGEST_BURST) : 1;
    await Promise.all(Array.from({ length: burst }, () => this.#writeOnce(port, at, count)));
    if (random.chance(0.1)) await this.#request('flush', () => port.flush());
  }

  async #writeOnce(port: Port, at: number, count: number): Promise<void> {
    const { random, first } = this.#options;
    const sequence = ++this.#sequence;
    const data = new Uint8Array(count * SECTOR_SIZE);
    for (let i = 0; i < count; i++) stampSector(data, i * SECTOR_SIZE, first + at + i, sequence);
    for (let i = at; i < at + count; i++) {
      this.#sent[i] = sequence;
      this.#pending[i]!++;
    }
    const flags = random.chance(0.1) ? BioFlag.Fua : 0;
    const name = `write ${String(sequence)} of ${String(first + at)}+${String(count)}`;
    await this.#request(name, () => port.write(first + at, data, flags));
    this.writes++;
    for (let i = at; i < at + count; i++) {
      this.#acknowledged[i] = Math.max(this.#acknowledged[i]!, sequence);
      this.#pending[i]!--;
    }
  }

  async #read(port: Port): Promise<void> {
    const { random, first, sectors } = this.#options;
    const count = random.between(1, LARGEST_READ);
    const at = random.below(sectors - count + 1);
    const oldest = this.#acknowledged.slice(at, at + count);
    for (let i = 0; i < count; i++) oldest[i] = Math.max(oldest[i]!, this.#seen[at + i]!);
    const sent = this.#sent.slice(at, at + count);
    const pending = this.#pending.slice(at, at + count);
    let data: Uint8Array | undefined;
    const name = `read of ${String(first + at)}+${String(count)}`;
    await this.#request(name, async () => {
      data = await port.read(first + at, count);
    });
    this.reads++;
    if (data === undefined) return;
    for (let i = 0; i < count; i++) {
      const isQuiet = pending[i] === 0 && sent[i] === this.#sent[at + i];
      const problem = this.#wrong(data, i * SECTOR_SIZE, at + i, oldest[i]!, isQuiet);
      if (problem !== undefined) this.#note(`${name}: ${problem}`);
    }
  }

  /** What is wrong with a sector; while a write to it is under way a read may meet parts of both, as on any disk. */
  #wrong(data: Uint8Array, offset: number, at: number, oldest: number, quiet: boolean): string | undefined {
    const sector = this.#options.first + at;
    if (quiet) return oldest === 0 ? undefined : checkSector(data, offset, sector, this.#sent[at]!);
    const view = new DataView(data.buffer, data.byteOffset + offset, SECTOR_SIZE);
    const sequence = view.getUint32(SEQUENCE_OFFSET, true);
    if (sequence === 0 || checkSector(data, offset, sector, sequence) !== undefined) {
      return oldest > 0 && sequence === 0 ? `sector ${String(sector)} lost all writes` : undefined;
    }
    this.#seen[at] = Math.max(this.#seen[at]!, sequence);
    if (sequence >= oldest && sequence <= this.#sent[at]!) return undefined;
    return `sector ${String(sector)} holds write ${String(sequence)}, but ${String(oldest)} was there before`;
  }

  /** A failure ends the load: it is what the test looks for. */
  async #request(name: string, send: () => Promise<unknown>): Promise<void> {
    const number = this.#requests++;
    this.#outstanding.set(number, name);
    try {
      await send();
    } catch (error) {
      this.#note(`${name}: ${String(error)}`);
    }
    this.#outstanding.delete(number);
    this.#ended++;
    this.#wake();
  }

  #note(problem: string): void {
    this.#stopping = true;
    if (this.problems.length < ENOUGH_PROBLEMS) this.problems.push(problem);
    this.#wake();
  }
}
