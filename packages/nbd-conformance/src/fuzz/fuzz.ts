import { type NbdUri, parseNbdUri, TransmissionFlag } from '@interposer/nbd-protocol';
import type { Socket } from 'node:net';
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import { Negotiation } from '../negotiation.ts';
import { Transcript } from '../transcript.ts';
import type { Transmission } from '../transmission.ts';
import { openSocket, Wire } from '../wire.ts';
import { judge } from './judge.ts';
import { type Ground, makeConversation, makePoison, PAYLOAD_BYTE } from './messages.ts';
import { mutate, segments } from './mutate.ts';
import { Random } from './random.ts';

/** How a server is fuzzed. */
export interface FuzzOptions {
  readonly cases: number;
  /** The same seed gives the same cases. */
  readonly seed: number;
  /** The first case; 0 by default. For one that failed before. */
  readonly first?: number;
  /** Connections at a time; 16 by default. */
  readonly connections?: number;
  /** After so many cases a well-behaved client must be served; 1,000 by default. */
  readonly checkEvery?: number;
  /** Milliseconds that the server has to finish with one case; 30,000 by default. */
  readonly timeout?: number;
  readonly onProgress?: (cases: number) => void;
}

/** What came of it. */
export interface FuzzReport {
  readonly cases: number;
  /** Bytes that the server sent. */
  readonly answered: number;
}

/** The server did not stand a case; the message names it, so that it can be run again, and has its bytes. */
export class FuzzFailure extends Error {
  override readonly name = 'FuzzFailure';
}

/** Bytes of a read-only export that are kept to compare with; larger ones are not fuzzed. */
const SNAPSHOT_LIMIT = 2 ** 26;
const FILL_BYTES = 2 ** 20;

/** How often, and after how many milliseconds, a connection is tried that a full queue refuses. */
const ATTEMPTS = 250;
const PAUSE = 20;

/**
 * Sends mutated handshakes and transmissions to the server at an NBD address without TLS. A writable export is filled first: its
 * data are lost. After each case the server has to end the connection, having sent replies and nothing else: all data of
 * structured reads of a read-only export are compared with what it holds, and nowhere may there be bytes that were only ever
 * sent to be dropped. Rejects with `FuzzFailure`, `NbdUriError`, `Unreachable`.
 */
export async function fuzzServer(uri: string, options: FuzzOptions): Promise<FuzzReport> {
  const { address, exportName, tls } = parseNbdUri(uri);
  if (tls) throw new FuzzFailure('fuzzing within TLS is not supported');
  const timeout = options.timeout ?? 30_000;
  const place: Place = { open: () => openPatiently(address), exportName, timeout };
  const { ground, snapshot } = await survey(place);
  return new Fuzzer(place, ground, snapshot, options).run();
}

interface Place {
  readonly open: () => Promise<Socket>;
  readonly exportName: string;
  readonly timeout: number;
}

class Fuzzer {
  readonly #place: Place;
  readonly #ground: Ground;
  readonly #snapshot: Buffer | null;
  readonly #options: FuzzOptions;
  #next: number;
  #answered = 0;

  constructor(place: Place, ground: Ground, snapshot: Buffer | null, options: FuzzOptions) {
    this.#place = place;
    this.#ground = ground;
    this.#snapshot = snapshot;
    this.#options = options;
    this.#next = options.first ?? 0;
  }

  async run(): Promise<FuzzReport> {
    const { cases, connections = 16, checkEvery = 1000, first = 0 } = this.#options;
    for (let done = 0; done < cases; done += checkEvery) {
      const end = first + Math.min(done + checkEvery, cases);
      await Promise.all(Array.from({ length: connections }, () => this.#work(end)));
      await wellServed(
        this.#place,
        this.#snapshot,
        `the cases up to ${String(end)} of seed ${String(this.#options.seed)}`,
      );
      this.#options.onProgress?.(end - first);
    }
    return { cases, answered: this.#answered };
  }

  async #work(end: number): Promise<void> {
    while (this.#next < end) await this.#case(this.#next++);
  }

  async #case(index: number): Promise<void> {
    const random = new Random(this.#options.seed, index);
    const conversation = makeConversation(random, this.#ground);
    const poison = random.once(16);
    const bytes = poison
      ? makePoison(this.#ground)
      : mutate(random, conversation, makeConversation(random, this.#ground));
    const came = await this.#exchange(segments(random, bytes), index);
    this.#answered += came.length;
    const wrong = judge(came, this.#snapshot);
    if (wrong !== null) throw this.#failure(index, `${wrong}; sent ${shown(bytes)}, came ${shown(came)}`);
  }

  /** Sends the pieces and the end of the connection, and resolves with all that comes until the server ends it too. */
  async #exchange(pieces: readonly Buffer[], index: number): Promise<Buffer> {
    const socket = await this.#place.open().catch((error: unknown) => {
      throw this.#failure(index, `no connection any more: ${String(error)}`);
    });
    const came: Buffer[] = [];
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        socket.destroy();
        reject(
          this.#failure(
            index,
            `the server does not end the connection; sent ${shown(Buffer.concat(pieces))}`,
          ),
        );
      }, this.#place.timeout);
      socket.on('data', (chunk: Buffer) => came.push(chunk));
      socket.on('error', () => undefined);
      socket.on('end', () => socket.destroy());
      socket.on('close', () => {
        clearTimeout(timer);
        resolve(Buffer.concat(came));
      });
      for (const piece of pieces) socket.write(piece);
      socket.end();
    });
  }

  #failure(index: number, what: string): FuzzFailure {
    return new FuzzFailure(`case ${String(index)} of seed ${String(this.#options.seed)}: ${what}`);
  }
}

/** A server may be slower to accept than we are to connect. */
async function openPatiently(address: NbdUri['address']): Promise<Socket> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await openSocket(address);
    } catch (error) {
      if (!String(error).includes('EAGAIN') || attempt === ATTEMPTS) throw error;
      await setTimeoutPromise(PAUSE);
    }
  }
}

/** Fills a writable export; reads a read-only one. */
async function survey(place: Place): Promise<{ ground: Ground; snapshot: Buffer | null }> {
  return served(place, 'the start', async (transmission) => {
    const { size, flags } = transmission.agreed;
    const ground = { exportName: place.exportName, size };
    const step = Math.min(size, FILL_BYTES);
    const places = Array.from({ length: Math.ceil(size / step) }, (_, index) => index * step);
    if (size > SNAPSHOT_LIMIT)
      throw new FuzzFailure(`the export has more than ${String(SNAPSHOT_LIMIT)} bytes`);
    if ((flags & TransmissionFlag.ReadOnly) === 0) {
      for (const offset of places) {
        const data = Buffer.alloc(Math.min(step, size - offset), PAYLOAD_BYTE);
        await transmission.succeed({ type: 1, offset, data });
      }
      return { ground, snapshot: null };
    }
    const parts: Buffer[] = [];
    for (const offset of places) parts.push(await transmission.read(offset, Math.min(step, size - offset)));
    return { ground, snapshot: Buffer.concat(parts) };
  });
}

/** A well-behaved client reads what is there. */
async function wellServed(place: Place, snapshot: Buffer | null, when: string): Promise<void> {
  await served(place, when, async (transmission) => {
    const length = Math.min(transmission.agreed.size, 65536);
    const data = await transmission.read(0, length);
    if (snapshot !== null && !data.equals(snapshot.subarray(0, length))) {
      throw new FuzzFailure(`after ${when} the server reads other data`);
    }
  });
}

async function served<T>(
  place: Place,
  when: string,
  work: (transmission: Transmission) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), place.timeout);
  const socket = await place.open();
  try {
    const negotiation = new Negotiation(
      new Wire(socket, controller.signal),
      new Transcript(),
      place.exportName,
    );
    await negotiation.greet();
    return await work(await negotiation.go());
  } catch (error) {
    if (error instanceof FuzzFailure) throw error;
    throw new FuzzFailure(`after ${when} the server does not serve a client: ${String(error)}`);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function shown(bytes: Buffer): string {
  const text = bytes.subarray(0, 400).toString('hex');
  return bytes.length > 400 ? `${text}... (${String(bytes.length)} bytes)` : text;
}
