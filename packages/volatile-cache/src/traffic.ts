import { type Bio, EndResult, type Frame, type Port, PreResult, Status } from '@interposer/core';

/** What is on its way below: it is counted, so that a power cut can wait for it to come back, and let it fail. */
export class Traffic implements Frame {
  /** The power is gone: what comes back fails, and nothing more may be sent. */
  isCut = false;
  readonly #port: Port;
  #count = 0;
  #whenNone: (() => void) | null = null;

  constructor(port: Port) {
    this.#port = port;
  }

  /** Something is sent that ends with `leave`. */
  enter(): void {
    this.#count++;
  }

  leave(): void {
    if (--this.#count > 0 || this.#whenNone === null) return;
    const whenNone = this.#whenNone;
    this.#whenNone = null;
    whenNone();
  }

  /** What a filter's `pre` answers for a bio that goes below as it is, and ends with `endIo`. */
  pass(): PreResult {
    this.enter();
    return PreResult.Watch;
  }

  /** Sends a bio below that was held. */
  send(bio: Bio): void {
    this.enter();
    bio.watch(this);
    this.#port.forward(bio);
  }

  endIo(bio: Bio): EndResult {
    if (this.isCut) bio.status = Status.Io;
    this.leave();
    return EndResult.Done;
  }

  /** Resolves when nothing is on its way. One may wait at a time. */
  none(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenNone = resolve;
    });
  }
}
