import { connect as connectSocket, type Socket } from 'node:net';

/** A client that says what it likes, and keeps the lines it is answered. */
export class RawClient {
  readonly socket: Socket;
  readonly answers: Record<string, unknown>[] = [];
  readonly closed: Promise<void>;
  #text = '';
  #wake: () => void = () => undefined;

  constructor(path: string) {
    this.socket = connectSocket({ path, allowHalfOpen: true });
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => {
      const lines = (this.#text + chunk.toString()).split('\n');
      this.#text = lines.pop()!;
      for (const line of lines) this.answers.push(JSON.parse(line) as Record<string, unknown>);
      this.#wake();
    });
    this.closed = new Promise((resolve) => this.socket.on('close', () => resolve()));
  }

  say(...lines: readonly (string | Uint8Array)[]): void {
    for (const line of lines) {
      this.socket.write(line);
      this.socket.write('\n');
    }
  }

  /** The answer to a request. */
  async answerTo(id: unknown): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.answers.find((answer) => answer.id === id);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** A request as a line. */
export function request(id: unknown, method: string, ...params: unknown[]): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}
