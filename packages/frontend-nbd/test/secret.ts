import { NbdCommand } from '@interposer/nbd-protocol';
import { later } from '../../../tools/temporary.ts';
import { type Fixture } from './fixture.ts';
import { type RawClient } from './raw-client.ts';

const SECRET = Buffer.from('\u0001$ecret~');

/** In any fifteen bytes of a secret this is to be found. */
const TRACE = SECRET.subarray(0, 8);

const KIB = 1024;

/** Bytes that no client of another export must ever see. */
export function secret(length: number): Buffer {
  return Buffer.alloc(length, SECRET);
}

/** Whether bytes of a secret are among these. */
export function isLeak(bytes: Buffer): boolean {
  return bytes.includes(TRACE);
}

/**
 * An export of the same server whose client reads and writes nothing but secrets, so that they are all over the buffers that
 * the server uses again, and in the memory that Node gives out.
 */
export class SecretExport {
  readonly #client: RawClient;

  private constructor(client: RawClient) {
    this.#client = client;
  }

  static async add(fixture: Fixture): Promise<SecretExport> {
    const port = await fixture.engine.open('ram:4M');
    later(() => port.close());
    fixture.server.addExport({ name: 'secret', port });
    return new SecretExport(await fixture.client('secret'));
  }

  /** Reads and writes of all sizes: through arenas, slabs, and buffers of their own. */
  async spread(): Promise<void> {
    const sizes = [512, 4096, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB, 1000, 70_001, 1024 * KIB];
    await Promise.all(sizes.map((size) => this.#client.write(0, secret(size))));
    const reads = sizes.flatMap((size) =>
      [0, 1].map((n) => this.#client.request(NbdCommand.Read, n, size - n)),
    );
    await Promise.all(reads);
    for (let i = 0; i < 64; i++) Buffer.allocUnsafe(1 + (i % 4) * 2000).fill(SECRET);
  }
}
