import { type Cipher, createCipheriv, createDecipheriv, type Decipher } from 'node:crypto';
import type { Engine, Stream } from './engine.ts';

const NO_IV = new Uint8Array(0);

/** Cipher objects that live as long as the key: what every Node has. */
export const nodeEngine: Engine = {
  name: 'node',
  stream: (algorithm, key, encrypting) => new NodeStream(algorithm, key, encrypting),
  // An object of node:crypto takes its IV when it is made.
  sectors: () => undefined,
};

class NodeStream implements Stream {
  // The memory of the object goes with it: Node has no way to wipe it earlier.
  #cipher: Cipher | Decipher | undefined;

  constructor(algorithm: string, key: Uint8Array, encrypting: boolean) {
    const blockSize = algorithm.startsWith('des') ? 8 : 16;
    const iv = algorithm.endsWith('-cbc') ? new Uint8Array(blockSize) : NO_IV;
    const create = encrypting ? createCipheriv : createDecipheriv;
    this.#cipher = create(algorithm, key, iv);
    this.#cipher.setAutoPadding(false);
  }

  update(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number, bytes: number): void {
    to.set(this.#cipher!.update(from.subarray(fromOffset, fromOffset + bytes)), toOffset);
  }

  close(): void {
    this.#cipher = undefined;
  }
}
