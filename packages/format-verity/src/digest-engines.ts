import { hash } from 'node:crypto';
import { fail } from '@interposer/core';
import { type EvpDigests, evpDigests } from './evp-digests.ts';

/** What a block is hashed with, and how long it is. */
export interface BlockRecipe {
  /** As node:crypto names it. */
  readonly nodeName: string;
  readonly digestSize: number;
  readonly salt: Uint8Array;
  readonly isSaltFirst: boolean;
  /** Bytes of a block. */
  readonly blockSize: number;
}

/** Hashes blocks of one size. */
export interface DigestEngine {
  /** The digest of the block hashed last. */
  readonly result: Uint8Array;
  /** Hashes the block that begins at a byte of a buffer. Throws where it fails: `result` is of no block then. */
  run(buffer: Uint8Array, offset: number): void;
}

/** OpenSSL's own functions where `loadEvpDigests` found them, and they have the hash function; else node:crypto. */
export function makeDigestEngine(recipe: BlockRecipe): DigestEngine {
  const functions = evpDigests();
  const address = functions?.find(recipe.nodeName) ?? 0;
  return functions === undefined || address === 0
    ? new NodeDigests(recipe)
    : new EvpDigestEngine(recipe, functions, address);
}

/** With a string, and a view or a copy of the block, for each block. */
class NodeDigests implements DigestEngine {
  readonly result: Uint8Array;
  readonly #recipe: BlockRecipe;
  /** Salt and block in their order, for the function takes one piece; null where there is no salt. */
  readonly #salted: Uint8Array | null;
  readonly #blockAt: number;

  constructor(recipe: BlockRecipe) {
    const { salt, blockSize, isSaltFirst } = recipe;
    this.#recipe = recipe;
    this.result = new Uint8Array(recipe.digestSize);
    this.#blockAt = isSaltFirst ? salt.length : 0;
    this.#salted = salt.length === 0 ? null : new Uint8Array(salt.length + blockSize);
    this.#salted?.set(salt, isSaltFirst ? 0 : blockSize);
  }

  run(buffer: Uint8Array, offset: number): void {
    const { result } = this;
    const { blockSize, nodeName } = this.#recipe;
    const block = new Uint8Array(buffer.buffer, buffer.byteOffset + offset, blockSize);
    this.#salted?.set(block, this.#blockAt);
    const digest = hash(nodeName, this.#salted ?? block, 'binary');
    for (let at = 0; at < result.length; at++) result[at] = digest.charCodeAt(at);
  }
}

/** Where the block lies, without a copy. */
class EvpDigestEngine implements DigestEngine {
  readonly result: Uint8Array;
  readonly #functions: EvpDigests;
  readonly #hash: (block: number) => boolean;

  constructor(recipe: BlockRecipe, functions: EvpDigests, algorithm: number) {
    const { blockSize, isSaltFirst } = recipe;
    this.#functions = functions;
    // In memory of their own that stays where it is, and as long as the result does.
    const memory = new ArrayBuffer(recipe.digestSize + recipe.salt.length);
    this.result = new Uint8Array(memory, 0, recipe.digestSize);
    const salt = new Uint8Array(memory, recipe.digestSize);
    salt.set(recipe.salt);
    this.#hash = hashAt(functions, { algorithm, salt, isSaltFirst, blockSize, result: this.result });
  }

  run(buffer: Uint8Array, offset: number): void {
    const { addresses, clearErrors } = this.#functions;
    if (this.#hash(addresses.of(buffer, offset))) return;
    clearErrors();
    throw fail('EIO', 'OpenSSL failed to hash');
  }
}

/** What stays the same from block to block. */
interface EvpRecipe {
  readonly algorithm: number;
  /** In the memory of the result. */
  readonly salt: Uint8Array;
  readonly isSaltFirst: boolean;
  readonly blockSize: number;
  readonly result: Uint8Array;
}

/**
 * Hashes the block at an address; false where that failed. A function with its own constants, since an address that is read
 * from an object is made anew each time: it is too large for a small integer.
 */
function hashAt(functions: EvpDigests, recipe: EvpRecipe): (block: number) => boolean {
  const { context, init, update, finish, addresses } = functions;
  const { algorithm, salt, isSaltFirst, blockSize } = recipe;
  const [before, after] = isSaltFirst ? [salt.length, 0] : [0, salt.length];
  const saltAddress = salt.length === 0 ? 0 : addresses.of(salt, 0);
  const result = addresses.of(recipe.result, 0);
  return (block) =>
    init(context, algorithm, 0) === 1 &&
    (before === 0 || update(context, saltAddress, before) === 1) &&
    update(context, block, blockSize) === 1 &&
    (after === 0 || update(context, saltAddress, after) === 1) &&
    finish(context, result, 0) === 1;
}
