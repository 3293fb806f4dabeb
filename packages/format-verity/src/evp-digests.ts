import { lstatSync } from 'node:fs';
import type koffiModule from 'koffi';
import { AddressBook } from './address-book.ts';

type Koffi = typeof koffiModule;
type Call = (...args: readonly number[]) => number;

/**
 * OpenSSL's digests in the binary of this process. Pointers are addresses as numbers: they have 48 bits, and a BigInt or a
 * converted pointer would be made at each call. A result of 1 is good.
 */
export interface EvpDigests {
  /** Address of a hash function by its name, for as long as the process lives; 0 if there is none. */
  find(name: string): number;
  /** Of an EVP_MD_CTX for everybody: whoever uses it is done before it returns. */
  readonly context: number;
  /** context, hash function, 0. */
  readonly init: Call;
  /** context, from, bytes. */
  readonly update: Call;
  /** context, to, 0. */
  readonly finish: Call;
  /** Forgets the errors of this thread: a TLS connection would take them for its own. After each call that failed. */
  readonly clearErrors: Call;
  /** Where the memory of requests lies. */
  readonly addresses: AddressBook;
}

let found: EvpDigests | undefined;
let loading: Promise<void> | undefined;

/** The functions, if `loadEvpDigests` found them. `INTERPOSER_NO_FFI=1`, looked at each time, answers as if it had not. */
export function evpDigests(): EvpDigests | undefined {
  return process.env.INTERPOSER_NO_FFI === '1' ? undefined : found;
}

/**
 * Looks for koffi and OpenSSL, once: with them hashers that are made from then on leave nothing to the garbage collector.
 * Without, node:crypto does. Never rejects.
 */
export function loadEvpDigests(): Promise<void> {
  if (process.env.INTERPOSER_NO_FFI === '1') return Promise.resolve();
  return (loading ??= load());
}

async function load(): Promise<void> {
  try {
    // koffi looks for its binary beside its real path. realpathSync of Node 20, which import uses, goes by the file that was
    // looked at last before it, and stops at once if that was a socket: then a linked package keeps the path of its link.
    lstatSync('/');
    const { default: koffi } = await import('koffi');
    found = bind(koffi);
  } catch {
    // Not installed, no binary for this machine, or a process without these functions, such as one built with BoringSSL.
  }
}

function bind(koffi: Koffi): EvpDigests {
  const library = koffi.load(null);
  const call = (declaration: string): Call => library.func(declaration) as Call;
  const fetch = library.func('uintptr_t EVP_MD_fetch(uintptr_t, const char *, uintptr_t)');
  const context = call('uintptr_t EVP_MD_CTX_new()')();
  if (context === 0) throw new Error('OpenSSL has no memory for a digest');
  const clearErrors = call('void ERR_clear_error()');
  const known = new Map<string, number>();
  return {
    find: (name) => {
      const address = known.get(name) ?? (fetch(0, name, 0) as number);
      if (address === 0) clearErrors();
      known.set(name, address);
      return address;
    },
    context,
    clearErrors,
    init: call('int EVP_DigestInit_ex2(uintptr_t, uintptr_t, uintptr_t)'),
    update: call('int EVP_DigestUpdate(uintptr_t, uintptr_t, size_t)'),
    finish: call('int EVP_DigestFinal_ex(uintptr_t, uintptr_t, uintptr_t)'),
    addresses: new AddressBook((memory) => Number(koffi.address(memory))),
  };
}
