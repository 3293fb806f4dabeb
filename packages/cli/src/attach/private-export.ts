import { type BlockDevice, type Engine, type Port } from '@interposer/core';
import { NbdServer } from '@interposer/frontend-nbd';

/** The name that helpers ask the private socket for. */
export const EXPORT_NAME = 'attached';

/** A device served on a UNIX socket of this user, for one helper program. */
export class PrivateExport {
  readonly #port: Port;
  readonly #server: NbdServer;

  private constructor(port: Port, server: NbdServer) {
    this.#port = port;
    this.#server = server;
  }

  /** Opens the device with the claim of an export and listens. What `Engine.open` and `NbdServer.listen` say. */
  static async open(
    engine: Engine,
    device: string,
    socket: string,
    readOnly: boolean,
  ): Promise<PrivateExport> {
    const port = await engine.open(device, {
      mode: readOnly ? 'read' : 'write',
      claim: 'exclusive',
      holder: 'export',
    });
    const server = new NbdServer();
    try {
      server.addExport({ name: EXPORT_NAME, port, readOnly });
      await server.listen({ path: socket });
      return new PrivateExport(port, server);
    } catch (error) {
      port.close();
      throw error;
    }
  }

  get device(): BlockDevice {
    return this.#port.device;
  }

  /** Bytes. */
  get logicalBlock(): number {
    return this.#port.limits.logicalBlock;
  }

  /** Makes stable what was written; a lost device has nothing left to write to. */
  async flush(): Promise<void> {
    if (!this.#port.device.lost && !this.#port.limits.readOnly) await this.#port.flush();
  }

  /** Answers what is in flight, disconnects the helper, removes the socket and gives the device back. */
  async close(): Promise<void> {
    await this.#server.close();
    this.#port.close();
  }
}
