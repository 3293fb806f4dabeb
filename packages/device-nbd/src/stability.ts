import { plug, Status, unplug } from '@interposer/core';
import { NbdCommand } from '@interposer/nbd-protocol';
import type { Request, TaskRunner } from './request.ts';
import { UnflushedWrites } from './unflushed-writes.ts';

/**
 * Keeps a flush honest across a break. A server may answer a write and lose it in a crash until it has answered a flush, and a
 * client cannot tell a crash from a broken connection. So writes that were answered and not flushed are kept and done again.
 * If they could not be kept, or not be done again, the next flush fails once, as fsync does after a lost write-back.
 */
export class Stability {
  readonly #runner: TaskRunner;
  readonly #writes = new UnflushedWrites();
  /** Answered writes may be lost, and nobody was told. */
  #owesError = false;
  /** A flush of the device's own is under way. */
  #flushing = false;

  constructor(runner: TaskRunner) {
    this.#runner = runner;
  }

  /** A flush is about to be sent. False: it must fail. */
  admit(flush: Request): boolean {
    flush.mark = this.#writes.mark;
    if (!this.#owesError || flush.bio === null) return true;
    this.#owesError = false;
    return false;
  }

  /** A request of a bio was answered, and well. */
  answered(request: Request): void {
    const { command } = request;
    if (command === NbdCommand.Read) return;
    if (command === NbdCommand.Flush) this.#writes.cover(request.mark);
    else this.#writes.keep(request);
    if (this.#writes.isCrowded && !this.#flushing) this.#makeRoom();
  }

  /** The connections are gone, and requests of the device's own with them. */
  broken(): void {
    this.#flushing = false;
    if (this.#writes.isComplete) return;
    this.#owesError = true;
    this.#writes.forgive();
  }

  /** Does again what no flush covered, over new connections; `then` is not called if they break meanwhile. */
  repeat(then: () => void): void {
    const repeats = this.#writes.toRepeat();
    let left = repeats.length;
    if (left === 0) {
      then();
      return;
    }
    this.#runner.log(`${left} answered writes that were not flushed are written again`);
    const done = (status: Status): void => {
      if (status !== Status.Ok) this.#owesError = true;
      if (--left === 0) then();
    };
    plug();
    for (const write of repeats) {
      this.#runner.start({ survives: false, done }, (request) => Object.assign(request, write));
    }
    unplug();
  }

  /** Requests that waited are about to be sent. Whether the flushes among them must fail: all, or with none the next. */
  mustFail(waiting: readonly Request[]): boolean {
    if (!this.#owesError) return false;
    this.#runner.log('answered writes may be lost: a flush fails');
    const anyFlush = waiting.some(({ command }) => command === NbdCommand.Flush);
    this.#owesError = !anyFlush;
    return anyFlush;
  }

  #makeRoom(): void {
    this.#flushing = true;
    const { mark } = this.#writes;
    const done = (status: Status): void => {
      this.#flushing = false;
      if (status === Status.Ok) this.#writes.cover(mark);
      else this.#owesError = true;
    };
    this.#runner.start({ survives: false, done }, (request) => {
      request.command = NbdCommand.Flush;
    });
  }
}
