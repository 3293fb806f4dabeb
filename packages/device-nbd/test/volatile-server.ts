import { NbdCommand } from '@interposer/nbd-protocol';
import { type Arrived, FakeServer } from './fake-server.ts';

/** A server that keeps what it is told in a cache until it is flushed, and loses the cache in a crash. */
export class VolatileServer {
  readonly #server: FakeServer;
  readonly #stable: Buffer;
  #cached: Buffer;
  #stopped = false;
  crashes = 0;

  private constructor(server: FakeServer, size: number) {
    this.#server = server;
    this.#stable = Buffer.alloc(size);
    this.#cached = Buffer.alloc(size);
  }

  static async start(size: number, flags: number): Promise<VolatileServer> {
    const server = await new FakeServer({ size, flags }).start();
    const volatile = new VolatileServer(server, size);
    void volatile.#answerAll();
    return volatile;
  }

  get path(): string {
    return this.#server.path;
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#server.stop();
  }

  /** All at once: the connections, what was asked, and what no flush covered. */
  crash(): void {
    this.crashes++;
    this.#server.cut();
    this.#server.requests.length = 0;
    this.#cached = Buffer.from(this.#stable);
  }

  async #answerAll(): Promise<void> {
    for (;;) {
      const [request] = await this.#server.take(1);
      if (this.#stopped) return;
      // The answers of a crashed server reach nobody.
      if (!this.#server.links[request!.link]!.destroyed) this.#answer(request!);
    }
  }

  #answer(request: Arrived): void {
    const { command, flags, offset, length, data } = request;
    const end = offset + length;
    if (command === NbdCommand.Write) {
      data.copy(this.#cached, offset);
      if ((flags & 1) !== 0) data.copy(this.#stable, offset);
    }
    if (command === NbdCommand.WriteZeroes || command === NbdCommand.Trim) this.#cached.fill(0, offset, end);
    if (command === NbdCommand.Flush) this.#cached.copy(this.#stable);
    const read = command === NbdCommand.Read ? Buffer.from(this.#cached.subarray(offset, end)) : undefined;
    this.#server.reply(request, 0, read);
  }
}
