import { NO_CHUNK } from './chunk-table.ts';
import type { PendingException } from './pending-exception.ts';
import type { CommitListener, ExceptionStore, SnapshotPorts, StoreUsage } from './store.ts';

/** A store without metadata: what is in it is lost when it is closed. Kernel: dm-snap-transient.c. */
export class TransientStore implements ExceptionStore {
  readonly letter = 'N';
  readonly chunkSectors: number;
  listener: CommitListener | null = null;
  readonly #ports: SnapshotPorts;
  #nextFree = 0;

  constructor(ports: SnapshotPorts, chunkSectors: number) {
    this.#ports = ports;
    this.chunkSectors = chunkSectors;
  }

  allot(): number {
    const room = (this.#nextFree + 1) * this.chunkSectors <= this.#total;
    return room ? this.#nextFree++ : NO_CHUNK;
  }

  commit(exception: PendingException): void {
    this.listener!.committed(exception, !exception.failed);
  }

  drop(): undefined {
    return undefined;
  }

  usage(): StoreUsage {
    return { allocated: this.#nextFree * this.chunkSectors, total: this.#total, metadata: 0 };
  }

  get #total(): number {
    return this.#ports.cow.limits.sectors;
  }
}
