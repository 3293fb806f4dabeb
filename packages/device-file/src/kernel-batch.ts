import { BATCH, type WriteBatch } from './write-batch.ts';

/** `syscall` of the C library: the number and up to five arguments; negative results are errnos. */
export interface SystemCaller {
  now(...args: readonly number[]): number;
  /** On a thread of the pool. */
  later(args: readonly number[], done: (result: number) => void): void;
  addressOf(memory: ArrayBufferLike): number;
}

/** Kernel: asm/unistd.h. */
interface Numbers {
  readonly setup: number;
  readonly getEvents: number;
  readonly submit: number;
}
const NUMBERS_X64: Numbers = { setup: 206, getEvents: 208, submit: 209 };
const NUMBERS: Numbers = { setup: 0, getEvents: 4, submit: 2 };

const TWO_32 = 2 ** 32;
const EFAULT = 14;

// Kernel: linux/aio_abi.h; in words of 32 bits, of which 64-bit numbers take two, the low one first.
const REQUEST_WORDS = 16;
const TAG = 0;
const OPCODE = 4;
const DESCRIPTOR = 5;
const ADDRESS = 6;
const LENGTH = 8;
const POSITION = 10;
const OPCODE_PWRITE = 1;
const EVENT_WORDS = 8;
const EVENT_RESULT = 4;

const POINTERS_AT = BATCH * REQUEST_WORDS;
const EVENTS_AT = POINTERS_AT + BATCH * 2;
const CONTEXT_AT = EVENTS_AT + BATCH * EVENT_WORDS;

/** The kernel's asynchronous I/O, `io_submit`, whose buffered writes are done when they are submitted: so on a thread. */
export class KernelBatch implements WriteBatch {
  readonly #caller: SystemCaller;
  readonly #numbers: Numbers = process.arch === 'x64' ? NUMBERS_X64 : NUMBERS;
  readonly #words = new Uint32Array(CONTEXT_AT + 2);
  readonly #results = new Int32Array(BATCH);
  /** Held while the kernel reads them. */
  readonly #buffers: Uint8Array[] = [];
  readonly #address: number;
  #context = 0;
  #count = 0;
  /** Of those that were submitted, how many have not answered. */
  #left = 0;

  /** Use `open`. */
  constructor(caller: SystemCaller) {
    this.#caller = caller;
    this.#address = caller.addressOf(this.#words.buffer);
    for (let index = 0; index < BATCH; index++) {
      this.#words[index * REQUEST_WORDS + TAG] = index;
      this.#words[index * REQUEST_WORDS + OPCODE] = OPCODE_PWRITE;
      this.#setNumber(POINTERS_AT + index * 2, this.#address + index * REQUEST_WORDS * 4);
    }
  }

  /** A new one; undefined where the kernel has none to give. It ends with the process. */
  static open(caller: SystemCaller): KernelBatch | undefined {
    const batch = new KernelBatch(caller);
    return batch.#setUp() ? batch : undefined;
  }

  add(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): void {
    const index = this.#count++;
    // The kernel reads where we tell it to: a buffer that was detached since has no length any more.
    const isThere = offset + length <= buffer.length;
    const at = index * REQUEST_WORDS;
    this.#words[at + DESCRIPTOR] = fd;
    this.#words[at + LENGTH] = isThere ? length : 0;
    this.#setNumber(
      at + ADDRESS,
      isThere ? this.#caller.addressOf(buffer.buffer) + buffer.byteOffset + offset : 0,
    );
    this.#setNumber(at + POSITION, position);
    this.#results[index] = isThere ? 0 : -EFAULT;
    this.#buffers.push(buffer);
  }

  result(index: number): number {
    return this.#results[index]!;
  }

  run(done: () => void): void {
    const pointers = this.#address + POINTERS_AT * 4;
    this.#caller.later([this.#numbers.submit, this.#context, this.#count, pointers, 0, 0], (submitted) => {
      this.#left = Math.max(submitted, 0);
      this.#take(this.#getEvents(0), done);
    });
  }

  /** Nothing of what was submitted may be under way when its memory is used again. */
  #take(events: number, done: () => void): void {
    for (let event = 0; event < events; event++) {
      const at = EVENTS_AT + event * EVENT_WORDS;
      const index = this.#words[at + TAG]!;
      if (this.#results[index] === 0) this.#results[index] = this.#words[at + EVENT_RESULT]! | 0;
    }
    this.#left -= Math.max(events, 0);
    if (this.#left > 0) {
      this.#caller.later(this.#eventArgs(this.#left), (more) => {
        this.#take(more, done);
      });
      return;
    }
    this.#count = 0;
    this.#buffers.length = 0;
    done();
  }

  #getEvents(least: number): number {
    return this.#left === 0 ? 0 : this.#caller.now(...this.#eventArgs(least));
  }

  #eventArgs(least: number): number[] {
    return [this.#numbers.getEvents, this.#context, least, BATCH, this.#address + EVENTS_AT * 4, 0];
  }

  #setUp(): boolean {
    const result = this.#caller.now(this.#numbers.setup, BATCH, this.#address + CONTEXT_AT * 4, 0, 0, 0);
    this.#context = this.#words[CONTEXT_AT]! + this.#words[CONTEXT_AT + 1]! * TWO_32;
    return result >= 0;
  }

  #setNumber(at: number, value: number): void {
    this.#words[at] = value % TWO_32;
    this.#words[at + 1] = value / TWO_32;
  }
}
