import { Worker } from 'node:worker_threads';
import type { Evp } from './evp.ts';

/** Sectors for a thread: everything is an address or a number, so that a message is a short array of numbers. */
export interface Order {
  /** Told again when it is done. */
  readonly id: number;
  /** Of an EVP_CIPHER_CTX that nobody else uses until then. */
  readonly context: number;
  readonly from: number;
  readonly to: number;
  readonly sectors: number;
  readonly sectorSize: number;
  readonly ivs: number;
  readonly ivSize: number;
}

/** What a thread tells: when it is ready, which orders are done, and when it is gone. */
export interface ThreadListener {
  ready(thread: CipherThread): void;
  done(thread: CipherThread, id: number, good: boolean): void;
  gone(thread: CipherThread): void;
}

/**
 * A thread that calls OpenSSL on the memory of this process, without copies. Who gives it an order keeps the memory alive and
 * leaves it alone until the order is done.
 */
export class CipherThread {
  readonly #worker: Worker;
  /** Orders under way. */
  readonly #orders = new Set<number>();

  constructor(evp: Evp, listener: ThreadListener) {
    // The program is the text of a function: a file of its own would have to be found from wherever this module was bundled to.
    this.#worker = new Worker(`(${serve.toString()})(require)`, {
      eval: true,
      workerData: { koffi: evp.koffiPath, length: evp.length },
    });
    this.#worker.unref();
    this.#worker.on('message', (id: number) => {
      if (id === 0) {
        listener.ready(this);
        return;
      }
      this.#orders.delete(Math.abs(id));
      // A process does not end while it waits for a request.
      if (this.#orders.size === 0) this.#worker.unref();
      listener.done(this, Math.abs(id), id > 0);
    });
    // Its end follows, when it has let go of all memory and everything that it said is told.
    this.#worker.on('error', () => undefined);
    this.#worker.on('exit', () => listener.gone(this));
  }

  /** Ids of orders under way. */
  get orders(): ReadonlySet<number> {
    return this.#orders;
  }

  post({ id, context, from, to, sectors, sectorSize, ivs, ivSize }: Order): void {
    if (this.#orders.size === 0) this.#worker.ref();
    this.#orders.add(id);
    this.#worker.postMessage([id, context, from, to, sectors, sectorSize, ivs, ivSize]);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

type Call = (...args: readonly number[]) => number;

interface Modules {
  parentPort: {
    on(event: 'message', take: (order: readonly number[]) => void): void;
    postMessage(id: number): void;
  };
  workerData: { koffi: string; length: number };
}

/** Runs in the thread, from its text: it can refer to nothing outside of itself. */
function serve(load: (name: string) => unknown): void {
  const { parentPort, workerData } = load('node:worker_threads') as Modules;
  const koffi = load(workerData.koffi) as { load(path: null): { func(declaration: string): Call } };
  const library = koffi.load(null);
  const init = library.func(
    'int EVP_CipherInit_ex2(uintptr_t, uintptr_t, uintptr_t, uintptr_t, int, uintptr_t)',
  );
  const update = library.func('int EVP_CipherUpdate(uintptr_t, uintptr_t, uintptr_t, uintptr_t, int)');
  parentPort.on(
    'message',
    ([id = 0, context = 0, from = 0, to = 0, sectors = 0, size = 0, ivs = 0, ivSize = 0]) => {
      let good = 1;
      for (let sector = 0; sector < sectors; sector++) {
        const at = sector * size;
        if (ivSize > 0) good &= init(context, 0, 0, ivs + sector * ivSize, -1, 0);
        good &= update(context, to + at, workerData.length, from + at, size);
      }
      parentPort.postMessage(good === 1 ? id : -id);
    },
  );
  parentPort.postMessage(0);
}
