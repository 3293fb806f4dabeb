import type { RemoteService } from './daemon/remote.ts';
import type { Plugin } from './plugins/plugin.ts';

/** Whatever text or bytes can be written to. */
export interface Sink {
  write(data: string | Uint8Array): unknown;
  /** Whether it is a terminal. */
  readonly isTTY?: boolean | undefined;
  /** Characters in a line of the terminal. */
  readonly columns?: number | undefined;
}

/** What the program has around it: a process, or a test. */
export interface Surroundings {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Waits so many milliseconds. */
  sleep(milliseconds: number): Promise<void>;
  /** Aborts when the user ends the program. */
  readonly stop: AbortSignal;
}

/** What a program is made of that offers the command line. */
export interface Program {
  /** The plugins that it brings. */
  readonly plugins: readonly Plugin[];
  readonly version: string;
  /** Its own file, which is run again as the daemon. */
  readonly script: string;
  /** Connects to a daemon in a way of one's own: for tests, or an engine in this process. */
  readonly connect?: () => Promise<RemoteService>;
}

/** All of a stream as text. */
export async function readText(stream: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}
