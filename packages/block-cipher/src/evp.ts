import { lstatSync } from 'node:fs';
import { createRequire } from 'node:module';
import type koffiModule from 'koffi';
import { AddressBook } from './address-book.ts';

type Koffi = typeof koffiModule;
type Call = (...args: readonly number[]) => number;

/**
 * OpenSSL's functions in the binary of this process. Pointers are addresses as numbers: they have 48 bits, and a BigInt or a
 * converted pointer would be made at each call. A result of 1 is good, 0 and less is an error.
 */
export interface Evp {
  /** Address of a cipher by its name, 0 if there is none; for `freeCipher`. */
  fetchCipher(name: string): number;
  readonly freeCipher: Call;
  readonly newContext: Call;
  readonly freeContext: Call;
  /** to, from: with the key. */
  readonly copyContext: Call;
  /** context, cipher or 0, key or 0, IV or 0, 1 to encrypt, 0 to decrypt or -1 as before, 0. */
  readonly init: Call;
  readonly setPadding: Call;
  /** context, to, address of an int that takes the bytes written, from, bytes. */
  readonly update: Call;
  /** Forgets the errors of this thread: a TLS connection would take them for its own. After each call that failed. */
  readonly clearErrors: Call;
  /** Where the memory of requests lies: what they read and what they write, so that each keeps its last answer. */
  readonly sources: AddressBook;
  readonly destinations: AddressBook;
  /** Address of an int that nobody reads. */
  readonly length: number;
  /** Path of koffi, for a thread to load it by. */
  readonly koffiPath: string;
}

let found: Evp | undefined;
let loading: Promise<void> | undefined;

/** The functions, if `loadEvp` found them. `INTERPOSER_NO_FFI=1`, looked at each time, answers as if it had not. */
export function evp(): Evp | undefined {
  return process.env.INTERPOSER_NO_FFI === '1' ? undefined : found;
}

/** Looks for koffi and OpenSSL, once. Never rejects. */
export function loadEvp(): Promise<void> {
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

function bind(koffi: Koffi): Evp {
  const library = koffi.load(null);
  const call = (declaration: string): Call => library.func(declaration) as Call;
  const fetch = library.func('uintptr_t EVP_CIPHER_fetch(uintptr_t, const char *, uintptr_t)');
  const books = (): AddressBook => new AddressBook((memory) => Number(koffi.address(memory)));
  const destinations = books();
  return {
    fetchCipher: (name) => fetch(0, name, 0) as number,
    freeCipher: call('void EVP_CIPHER_free(uintptr_t)'),
    newContext: call('uintptr_t EVP_CIPHER_CTX_new()'),
    freeContext: call('void EVP_CIPHER_CTX_free(uintptr_t)'),
    copyContext: call('int EVP_CIPHER_CTX_copy(uintptr_t, uintptr_t)'),
    init: call('int EVP_CipherInit_ex2(uintptr_t, uintptr_t, uintptr_t, uintptr_t, int, uintptr_t)'),
    setPadding: call('int EVP_CIPHER_CTX_set_padding(uintptr_t, int)'),
    update: call('int EVP_CipherUpdate(uintptr_t, uintptr_t, uintptr_t, uintptr_t, int)'),
    clearErrors: call('void ERR_clear_error()'),
    sources: books(),
    destinations,
    length: keptInt(destinations),
    koffiPath: createRequire(import.meta.url).resolve('koffi'),
  };
}

/** Never freed: threads may write to it as long as the process lives. */
const ints: Int32Array[] = [];

function keptInt(book: AddressBook): number {
  const int = new Int32Array(16);
  ints.push(int);
  return book.of(new Uint8Array(int.buffer), 0);
}
