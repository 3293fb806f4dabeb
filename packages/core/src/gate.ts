import type { Bio, Frame, Holder } from './bio.ts';
import type { BlockDevice } from './block-device.ts';
import { EndResult } from './constants.ts';
import { dispatch } from './trampoline.ts';

/** Counts the bios inside a device, and holds back new ones while it is closed. */
export class Gate implements Frame, Holder {
  readonly device: BlockDevice;
  readonly label: string = 'gate';
  /** Bios that came in, those of the device's own filters and tables included. */
  entered = 0;
  /** Bios that left. */
  left = 0;
  /** Bios inside that wait for the next table: a table swap does not wait for them. */
  held = 0;
  /** How often it is closed: edits nest inside a suspend. */
  closings = 0;
  #head: Bio | null = null;
  #tail: Bio | null = null;
  #drained: ((inTime: boolean) => void) | null = null;
  #mayHold = false;

  constructor(device: BlockDevice) {
    this.device = device;
  }

  /** Bios inside. */
  get inflight(): number {
    return this.entered - this.left;
  }

  get closed(): boolean {
    return this.closings > 0;
  }

  close(): void {
    this.closings++;
  }

  /** Opens what one `close` closed; when it was the last, the parked bios go on in the order they came. */
  open(): void {
    if (--this.closings > 0) return;
    let bio = this.#head;
    this.#head = null;
    this.#tail = null;
    while (bio !== null) {
      const { next } = bio;
      bio.next = null;
      dispatch(bio);
      bio = next;
    }
  }

  park(bio: Bio): void {
    bio.next = null;
    if (this.#tail === null) this.#head = bio;
    else this.#tail.next = bio;
    this.#tail = bio;
  }

  /** Takes all parked bios out, for a device that will never serve them. */
  *takeParked(): Generator<Bio> {
    while (this.#head !== null) {
      const bio = this.#head;
      this.#head = bio.next;
      if (this.#head === null) this.#tail = null;
      bio.next = null;
      yield bio;
    }
  }

  /** A bio leaves: the device's frame on its way up. */
  endIo(): EndResult {
    this.left++;
    if (this.#drained !== null) this.settle();
    return EndResult.Done;
  }

  /** To be called when `held` rose: the drain may be over. */
  settle(): void {
    if (this.#drained !== null && this.isDrained(this.#mayHold)) {
      const drained = this.#drained;
      this.#drained = null;
      drained(true);
    }
  }

  /** Resolves true when no bio is inside, or with `mayHold` none but the held ones; false when it was given up. Gate closed. */
  drain(mayHold: boolean): Promise<boolean> {
    this.#mayHold = mayHold;
    return new Promise((resolve) => {
      this.#drained = resolve;
      this.settle();
    });
  }

  /** Ends the wait of `drain` though bios are inside. */
  giveUpDrain(): void {
    const drained = this.#drained;
    this.#drained = null;
    drained?.(false);
  }

  /** Whether nothing is inside but what may be held. */
  isDrained(mayHold: boolean): boolean {
    return this.inflight === (mayHold ? this.held : 0);
  }
}
