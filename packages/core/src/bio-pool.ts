import { Bio, isReset, resetBio } from './bio.ts';
import { Status } from './constants.ts';
import { reportMisuse } from './containment.ts';

/**
 * Where bios come from and go back to. First in, first out: a bio lies still for a while after its use, so that a plugin
 * that completes twice is caught instead of completing someone else's request.
 */
export class BioPool {
  readonly #all: Bio[] = [];
  #head: Bio | null = null;
  #tail: Bio | null = null;
  #outstanding = 0;

  constructor(size = 64) {
    for (let i = 0; i < size; i++) this.#free(this.#make());
  }

  /** A bio in the state of a new one. Its owner gives it back with `put` when `end` has run. */
  get(): Bio {
    const bio = this.#head ?? this.#make();
    if (bio === this.#head) {
      this.#head = bio.next;
      if (this.#head === null) this.#tail = null;
      bio.next = null;
    }
    if (!isReset(bio)) {
      reportMisuse(bio, 'changed a bio that was complete already');
      resetBio(bio);
    }
    // Until now it named who had the bio last, for the report of a plugin that completes it once more.
    bio.holder = null;
    this.#outstanding++;
    return bio;
  }

  /** Takes a bio back. A pending one stays out: it is in somebody's hands. */
  put(bio: Bio): void {
    if (bio.status === Status.Pending)
      throw new TypeError(`a pending bio cannot go back to the pool: ${bio.toString()}`);
    this.#outstanding--;
    bio.generation++;
    if (bio.abandoned) {
      this.#all.splice(this.#all.indexOf(bio), 1);
      return;
    }
    resetBio(bio);
    this.#free(bio);
  }

  /** Bios taken and not given back. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Every pending bio: for the report of what is stuck, not for the data path. */
  *pending(): Generator<Bio> {
    for (const bio of this.#all) if (bio.status === Status.Pending) yield bio;
  }

  #make(): Bio {
    const bio = new Bio();
    this.#all.push(bio);
    return bio;
  }

  #free(bio: Bio): void {
    if (this.#tail === null) this.#head = bio;
    else this.#tail.next = bio;
    this.#tail = bio;
  }
}

/** The pool of this thread. One is enough: bios carry their devices, not their engine. */
export const bioPool: BioPool = new BioPool();
