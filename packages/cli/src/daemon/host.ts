import {
  type BlockDevice,
  createEngine,
  type Engine,
  type EngineEvent,
  MappedDevice,
} from '@interposer/core';
import { AttachmentTable } from '../attach/attachment-table.ts';
import { PluginSet, type PluginSources, registerAll } from '../plugins/plugin-set.ts';
import { ExportTable } from './exports.ts';
import { Snapshots } from './snapshots.ts';
import { stateFolder } from './state-folder.ts';

/** An engine with its plugins and exports: what a daemon or a foreground server is made of. */
export class Host {
  readonly engine: Engine = createEngine({ types: [] });
  readonly exports: ExportTable = new ExportTable(this.engine);
  readonly plugins: PluginSet = new PluginSet(registerAll(this.engine.registry));
  /** Attaches nothing before it has a folder. */
  attachments: AttachmentTable = new AttachmentTable(this.engine, (message) => {
    this.log(message);
  });
  readonly snapshots: Snapshots = new Snapshots({
    engine: this.engine,
    usersOf: (name) => this.#usersOf(name),
    stateFolder: () => stateFolder(process.env),
    log: (message) => {
      this.log(message);
    },
  });
  /** Called for each line worth a log. */
  log: (message: string) => void = () => undefined;

  constructor() {
    this.engine.onEvent((event) => {
      this.log(describeEvent(event));
    });
  }

  /** A host with its plugins loaded. */
  static async open(sources: PluginSources): Promise<Host> {
    const host = new Host();
    await host.plugins.fill(sources);
    return host;
  }

  /** Lets suspended devices go on, unmounts what is attached, and ends the exports when what they were sent is answered. */
  async endExports(): Promise<void> {
    await this.#resumeAll();
    await this.attachments.close();
    await this.exports.close();
  }

  /** Ends it so that nothing acknowledged is lost: exports first, then every device is flushed and closed. */
  async close(): Promise<void> {
    await this.endExports();
    this.snapshots.close();
    for (const device of this.engine.devices()) {
      if (!(device instanceof MappedDevice)) await this.#try(`flush of ${device.name}`, () => flush(device));
    }
    await this.engine.close();
  }

  #usersOf(name: string): string[] {
    const isMeant = ({ device }: { readonly device: string }): boolean =>
      [name, `/dev/mapper/${name}`].includes(device);
    const exports = this.exports.list().filter(isMeant);
    const attachments = this.attachments.list().filter(isMeant);
    return [
      ...exports.map((one) => `exported as "${one.name}" (export rm)`),
      ...attachments.map(({ node }) => `attached as ${node} (detach)`),
    ];
  }

  /** Bios that wait at a suspended device would be waited for without end; its loaded table was never meant to be live. */
  async #resumeAll(): Promise<void> {
    for (const { name } of await this.engine.list()) {
      const { suspended, live } = await this.engine.info(name);
      if (!suspended || !live) continue;
      await this.#try(`resume of ${name}`, async () => {
        await this.engine.clear(name);
        await this.engine.resume(name);
      });
    }
  }

  async #try(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.log(`${what} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

async function flush(device: BlockDevice): Promise<void> {
  if (device.limits.readOnly) return;
  const port = device.open({ mode: 'read', claim: 'noexcl', holder: 'shutdown' });
  try {
    await port.flush();
  } finally {
    port.close();
  }
}

function describeEvent(event: EngineEvent): string {
  switch (event.kind) {
    case 'log':
      return event.message;
    case 'lost':
      return `${event.device} is lost: ${event.message}`;
    case 'fault':
      return `fault on ${event.device}: ${event.culprit}: ${event.message}`;
  }
}
