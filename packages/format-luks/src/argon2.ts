import * as crypto from 'node:crypto';
import { asError, fail } from '@interposer/core';

/** What argon2 is asked for. */
export interface Argon2Request {
  readonly type: 'argon2i' | 'argon2id';
  readonly passphrase: Uint8Array;
  readonly salt: Uint8Array;
  /** Passes. */
  readonly time: number;
  /** KiB. */
  readonly memory: number;
  /** Lanes. */
  readonly cpus: number;
  /** Length of the key. */
  readonly bytes: number;
}

/** An implementation of argon2, version 0x13, beside the event loop. */
export type Argon2 = (request: Argon2Request) => Promise<Buffer>;

/** Node's own has been there since 24.7; the types are those of the oldest Node that is supported. */
type NodeArgon2 = (
  algorithm: string,
  parameters: {
    readonly message: Uint8Array;
    readonly nonce: Uint8Array;
    readonly parallelism: number;
    readonly tagLength: number;
    readonly memory: number;
    readonly passes: number;
  },
  done: (error: Error | null, key: Buffer) => void,
) => void;

/** Node's own argon2, if this Node has it. */
export function nodeArgon2(): Argon2 | undefined {
  const { argon2 } = crypto as typeof crypto & { readonly argon2?: NodeArgon2 };
  if (argon2 === undefined) return undefined;
  return ({ type, passphrase, salt, time, memory, cpus, bytes }) =>
    new Promise((resolve, reject) => {
      const parameters = { message: passphrase, nonce: salt, parallelism: cpus, tagLength: bytes };
      argon2(type, { ...parameters, memory, passes: time }, (error, key) => {
        if (error === null) resolve(key);
        else reject(error);
      });
    });
}

/** The numbers of the package; its own names for them exist for its compiler only. */
const PACKAGE_ALGORITHMS = { argon2i: 1, argon2id: 2 } as const;

/** What is used of the package. */
interface Argon2Package {
  hashRaw(
    passphrase: Uint8Array,
    options: {
      readonly algorithm: number;
      readonly salt: Uint8Array;
      readonly timeCost: number;
      readonly memoryCost: number;
      readonly parallelism: number;
      readonly outputLen: number;
    },
  ): Promise<Buffer>;
}

/** That of the package @node-rs/argon2. ENOTSUP where it has no binary for this platform. */
export async function packageArgon2(): Promise<Argon2> {
  const loaded: Argon2Package = await import('@node-rs/argon2').catch((error: unknown) => {
    throw fail('ENOTSUP', `no argon2 on this platform: ${asError(error).message}`, error);
  });
  return ({ type, passphrase, salt, time, memory, cpus, bytes }) =>
    loaded.hashRaw(passphrase, {
      algorithm: PACKAGE_ALGORITHMS[type],
      salt,
      timeCost: time,
      memoryCost: memory,
      parallelism: cpus,
      outputLen: bytes,
    });
}

/** Node's own where there is one. */
export async function argon2(request: Argon2Request): Promise<Buffer> {
  return (nodeArgon2() ?? (await packageArgon2()))(request);
}
