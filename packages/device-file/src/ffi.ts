import { lstatSync } from 'node:fs';
import { endianness } from 'node:os';
import type koffiModule from 'koffi';
import { AddressBook } from './address-book.ts';
import { KernelBatch, type SystemCaller } from './kernel-batch.ts';
import { TurnQueue } from './turn-queue.ts';
import type { WriteBatch } from './write-batch.ts';

/** What `fcntl` is asked about a lock. Kernel: struct flock, fcntl.h. */
export interface FileLock {
  /** `F_RDLCK` 0, `F_WRLCK` 1, `F_UNLCK` 2. */
  readonly type: number;
  /** First byte. */
  readonly start: number;
  /** Bytes. */
  readonly length: number;
}

/**
 * System calls that Node has no function for. Results are numbers as the kernel gives them: a negative one is an errno.
 * Those with a callback run on a thread of koffi's, never on the event loop.
 */
export interface Ffi {
  /**
   * `preadv2` with RWF_NOWAIT: reads what is in the page cache and does not wait for a disk. Bytes read, -EAGAIN where
   * there are none, -EOPNOTSUPP where the file system cannot do it.
   */
  readNow(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number;
  fallocate(fd: number, mode: number, position: number, length: number, done: (result: number) => void): void;
  /** `lseek`: the position found. */
  seek(fd: number, position: number, whence: number, done: (result: number) => void): void;
  /** `fcntl` with an open-file-description lock: 0, or for F_OFD_GETLK the type of the lock that is in the way. */
  lock(fd: number, command: number, lock: FileLock): Promise<number>;
  /** For writes that are made together; undefined where the kernel has none to give. */
  takeBatch(): WriteBatch | undefined;
  /** It is not needed any more, and its results are read. */
  giveBack(batch: WriteBatch): void;
}

type Koffi = typeof koffiModule;
type Call = (...args: readonly number[]) => number;
type AsyncCall = (...args: readonly [...number[], (error: unknown, result: number) => void]) => void;

const RWF_NOWAIT = 8;
const EFAULT = 14;
const TWO_32 = 2 ** 32;
/** Kernel: struct flock with 64-bit offsets: short type, short whence, pad, start, length, pid, pad. */
const FLOCK_SIZE = 32;
const F_OFD_GETLK = 36;
/** Koffi refuses calls when 256 are under way; they run on as many threads as there are cores anyway. */
const ASYNC_CALLS = 32;

let loaded: Promise<Ffi | undefined> | undefined;

/**
 * The system calls, if koffi is installed and fits this machine. The environment variable `INTERPOSER_NO_FFI=1`, looked at
 * each time a file is opened, answers as if it were not.
 */
export function loadFfi(): Promise<Ffi | undefined> {
  if (process.env.INTERPOSER_NO_FFI === '1') return Promise.resolve(undefined);
  return (loaded ??= importKoffi());
}

async function importKoffi(): Promise<Ffi | undefined> {
  // The layout of the structures below: Linux on a 64-bit little-endian machine.
  const fits = process.platform === 'linux' && ['x64', 'arm64', 'riscv64'].includes(process.arch);
  if (!fits || endianness() !== 'LE') return undefined;
  try {
    // koffi looks for its binary beside its real path. realpathSync of Node 20, which import uses, goes by the file that was
    // looked at last before it, and stops at once if that was a socket: then a linked package keeps the path of its link.
    lstatSync('/');
    const { default: koffi } = await import('koffi');
    return new KoffiCalls(koffi);
  } catch {
    // Not installed, no binary for this machine, or a C library without one of the functions: Node's own calls do.
    return undefined;
  }
}

class KoffiCalls implements Ffi {
  readonly #errno: () => number;
  readonly #preadv2: Call;
  readonly #fallocate: AsyncCall;
  readonly #lseek: AsyncCall;
  readonly #fcntl: AsyncCall;
  readonly #batches: WriteBatch[] = [];
  readonly #caller: SystemCaller;
  readonly #addresses: AddressBook;
  readonly #turns = new TurnQueue(ASYNC_CALLS);
  /** One `struct iovec` for all inline reads: base as two halves, length. Its call is over before the next one begins. */
  readonly #iovec = new Uint32Array(4);
  readonly #iovecAddress: number;

  constructor(koffi: Koffi) {
    const library = koffi.load(null);
    // Addresses travel as numbers: they have 48 bits, and a BigInt or a converted pointer would be made at each call.
    this.#preadv2 = library.func('int64_t preadv2(int, uintptr_t, int, int64_t, int)');
    this.#fallocate = library.func('int fallocate(int, int, int64_t, int64_t)').async;
    this.#lseek = library.func('int64_t lseek(int, int64_t, int)').async;
    // Variadic in C; on these machines a pointer is passed the same way there.
    this.#fcntl = library.func('int fcntl(int, int, uintptr_t)').async;
    // Variadic, too; what a call has no use for is left alone.
    const syscall: Call & { readonly async: AsyncCall } = library.func(
      'int64_t syscall(int64_t, uintptr_t, int64_t, uintptr_t, uintptr_t, uintptr_t)',
    );
    this.#caller = {
      now: (...args) => this.#answer(syscall(...args)),
      later: (args, done) => this.#call(syscall.async, args, done),
      addressOf: (memory) => this.#addresses.of(memory),
    };
    this.#errno = () => koffi.errno();
    this.#addresses = new AddressBook((memory) => Number(koffi.address(memory)));
    this.#iovecAddress = this.#addresses.of(this.#iovec.buffer);
  }

  readNow(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    // The kernel writes where we tell it to: a buffer that was detached since has no length any more.
    if (offset + length > buffer.length) return -EFAULT;
    const address = this.#addresses.of(buffer.buffer) + buffer.byteOffset + offset;
    const iovec = this.#iovec;
    iovec[0] = address % TWO_32;
    iovec[1] = address / TWO_32;
    iovec[2] = length;
    iovec[3] = length / TWO_32;
    return this.#answer(this.#preadv2(fd, this.#iovecAddress, 1, position, RWF_NOWAIT));
  }

  fallocate(
    fd: number,
    mode: number,
    position: number,
    length: number,
    done: (result: number) => void,
  ): void {
    this.#call(this.#fallocate, [fd, mode, position, length], done);
  }

  seek(fd: number, position: number, whence: number, done: (result: number) => void): void {
    this.#call(this.#lseek, [fd, position, whence], done);
  }

  lock(fd: number, command: number, { type, start, length }: FileLock): Promise<number> {
    const flock = new DataView(new ArrayBuffer(FLOCK_SIZE));
    flock.setInt16(0, type, true);
    flock.setBigInt64(8, BigInt(start), true);
    flock.setBigInt64(16, BigInt(length), true);
    return new Promise((resolve) => {
      // The callback holds the memory that the call reads and writes.
      this.#call(this.#fcntl, [fd, command, this.#addresses.of(flock.buffer)], (result) => {
        resolve(result === 0 && command === F_OFD_GETLK ? flock.getInt16(0, true) : result);
      });
    });
  }

  takeBatch(): WriteBatch | undefined {
    return this.#batches.pop() ?? KernelBatch.open(this.#caller);
  }

  giveBack(batch: WriteBatch): void {
    this.#batches.push(batch);
  }

  #answer(result: number): number {
    return result < 0 ? -this.#errno() : result;
  }

  #call(call: AsyncCall, args: readonly number[], done: (result: number) => void): void {
    this.#turns.take((leave) => {
      call(...args, (_error: unknown, result: number) => {
        // Koffi carries the errno of the thread over to here; it must be asked before the next call of it.
        const answer = this.#answer(result);
        leave();
        done(answer);
      });
    });
  }
}
