import { type Engine, fail, type Port } from '@interposer/core';
import { type CrashImageDriver, type CrashState, writeImage } from '@interposer/crash-test';
import { BlockIo } from './block-io.ts';
import { DiskServer } from './server.ts';

/** Where disks of crash states are opened. */
export interface CrashDisks {
  readonly engine: Engine;
  readonly driver: CrashImageDriver;
}

/**
 * A disk as a power cut may have left it, for a check: what it writes goes to memory, and is gone with the check. It is a
 * disk without faults, and nothing but memory unless `serve` is called.
 */
export class CrashDisk extends BlockIo {
  /** What is on it, and how it came about. */
  readonly state: CrashState;
  readonly #disks: CrashDisks;
  readonly #name: string;
  readonly #ports: Port[];
  #server: Promise<DiskServer> | null = null;
  #closed = false;

  private constructor(disks: CrashDisks, name: string, port: Port, state: CrashState) {
    super(port);
    this.state = state;
    this.#disks = disks;
    this.#name = name;
    this.#ports = [port];
  }

  static async open(disks: CrashDisks, state: CrashState): Promise<CrashDisk> {
    const name = disks.driver.add(state);
    const port = await disks.engine.open(name, { claim: 'noexcl', holder: 'check' });
    return new CrashDisk(disks, name, port, state);
  }

  /** A further port of core on the disk. */
  async open(): Promise<Port> {
    const port = await this.#disks.engine.open(this.#name, { claim: 'noexcl', holder: 'check' });
    this.#ports.push(this.usable(port));
    return port;
  }

  /** A URI of the disk for NBD clients. */
  async serve(): Promise<string> {
    const [port] = this.#ports;
    this.#server ??= DiskServer.start(this.usable(port!));
    return (await this.#server).uri;
  }

  /** Writes it to a file, as the power cut left it, with holes where it is zero: for programs that want an image. */
  save(path: string): Promise<void> {
    return writeImage(this.state, path);
  }

  /** Forgets the disk; `crashTest` does it after the check. */
  async close(): Promise<void> {
    this.#closed = true;
    await (await this.#server)?.close();
    for (const port of this.#ports) port.close();
    this.#disks.driver.remove(this.state);
  }

  protected override usable(port: Port): Port {
    if (this.#closed) throw fail('ESHUTDOWN', 'the check of this disk is over');
    return port;
  }
}
