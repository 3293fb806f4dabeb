import { fail, type Port } from '@interposer/core';
import type { Disk } from './disk.ts';

/** Sparse memory, so that no log is too long for it. */
const LOG_SIZE = '1024T';

/** A mark of the log has one sector, of which 32 bytes describe it and one ends the text. */
const MOST_TEXT = 512 - 33;

const FILTER = 'log-writes';

/** What was on a disk at one moment, and all that was written since. */
export class Recording {
  readonly base: Port;
  readonly log: Port;
  readonly #disk: Disk;
  readonly #device: string;

  private constructor(disk: Disk, device: string, base: Port, log: Port) {
    this.#disk = disk;
    this.#device = device;
    this.base = base;
    this.log = log;
  }

  /** Whatever is on the disk now counts as stable. */
  static async start(disk: Disk): Promise<Recording> {
    const { engine } = disk;
    const snapshot = await disk.snapshot();
    const device = (await disk.open()).device.name;
    const options = { claim: 'noexcl', holder: 'crash test' } as const;
    const base = await engine.open(`ram:${String(disk.size)}`, options);
    const log = await engine.open(`ram:${LOG_SIZE}`, options);
    const recording = new Recording(disk, device, base, log);
    try {
      await snapshot.fill(base);
      await engine.attachFilter(device, `${FILTER} ${log.device.number}`);
    } catch (error) {
      recording.close();
      throw error;
    }
    return recording;
  }

  /** Notes a promise in the log. EINVAL for a text that is empty or has more than 479 bytes. */
  async mark(text: string): Promise<void> {
    if (typeof text !== 'string') throw new TypeError('a promise is a text');
    const bytes = Buffer.byteLength(text);
    if (bytes === 0 || bytes > MOST_TEXT)
      throw fail('EINVAL', `a promise of ${String(bytes)} bytes: want 1 to ${String(MOST_TEXT)}`);
    await this.#disk.engine.messageFilter(this.#device, FILTER, ['mark', text]);
  }

  /** Nothing more is taken down; what was written without a flush after it is in the log, too. */
  async stop(): Promise<void> {
    await this.#disk.engine.detachFilter(this.#device, FILTER);
  }

  /** Forgets both. */
  close(): void {
    this.base.close();
    this.log.close();
  }
}
