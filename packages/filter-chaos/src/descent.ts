import { type Bio, BioOp, type EndResult, type Frame, type Port, PreResult } from '@interposer/core';
import type { VolatileCache } from '@interposer/volatile-cache';
import { History } from './history.ts';
import { type Downstream, Recorder } from './recorder.ts';

/**
 * The way of a bio below the rules: the history keeps what it overwrites, the volatile cache takes it or lets it by, and the
 * rest is the stack below. It is the frame of the bios that the cache wants to see again.
 */
export class Descent implements Frame, Downstream {
  /** Whether the cache sees every bio, and so fails those that are under way when the power goes. */
  usesCache = false;
  readonly #port: Port;
  readonly #cache: VolatileCache;
  #recorder: Recorder | null = null;

  constructor(port: Port, cache: VolatileCache) {
    this.#port = port;
    this.#cache = cache;
  }

  /** What `stale` reads return; null while nothing is kept for them. */
  get history(): History | null {
    return this.#recorder?.history ?? null;
  }

  /** Keeps so many bytes of what is overwritten from now on; what was kept stays. 0: keeps nothing, forgets all. */
  keepHistory(bytes: number): void {
    if (bytes === 0) this.#recorder = null;
    else this.#recorder ??= new Recorder(this.#port, this, new History(bytes));
  }

  /** The answer of `pre` for a bio that the rules let go. `cached`: it is to stay in the cache until a flush. */
  send(bio: Bio, cached = false): PreResult {
    const changes = bio.op !== BioOp.Read && bio.op !== BioOp.Flush;
    if (this.#recorder === null || !changes) return this.#enter(bio, cached);
    this.#recorder.record(bio, cached);
    return PreResult.Taken;
  }

  /** The same for a bio that the filter has had for a while. */
  sendLater(bio: Bio, cached = false): void {
    this.#finish(bio, this.send(bio, cached));
  }

  /** The recorder's: a bio goes on below the history. */
  enterLater(bio: Bio, cached: boolean): void {
    this.#finish(bio, this.#enter(bio, cached));
  }

  /** What the cache wanted to see again is back. */
  endIo(bio: Bio): EndResult {
    return this.#cache.post(bio);
  }

  #enter(bio: Bio, cached: boolean): PreResult {
    const cache = this.#cache;
    if (!this.usesCache && cache.isEmpty && cache.power === 'on') return PreResult.Pass;
    const verdict = cache.pre(bio, cached);
    if (verdict !== PreResult.Watch) return verdict;
    bio.watch(this);
    return PreResult.Pass;
  }

  #finish(bio: Bio, verdict: PreResult): void {
    if (verdict === PreResult.Pass) this.#port.forward(bio);
    else if (verdict === PreResult.Complete) bio.complete(bio.result);
  }
}
