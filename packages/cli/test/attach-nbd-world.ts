import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { AttachmentTable } from '../src/attach/attachment-table.ts';
import { type FakeOptions, FakeSystem } from './fake-system.ts';
import { Workbench } from './in-process.ts';
import { tempDirectory } from './temp.ts';

// The kernel's NBD devices and nbd-client, on a machine of directories and shell scripts.

/** A host with one device on such a machine. */
export class NbdWorld {
  readonly directory: string;
  readonly folder: string;
  readonly stateFile: string;
  readonly mountPoint: string;
  readonly log: string[] = [];
  bench!: Workbench;
  fake!: FakeSystem;

  /** For the tests of a file; each of them begins with `begin`. */
  constructor() {
    this.directory = tempDirectory();
    this.folder = join(this.directory, 'run.d');
    this.stateFile = join(this.folder, 'attachments.json');
    this.mountPoint = join(this.directory, 'mnt');
    mkdirSync(this.mountPoint);
  }

  async begin(options?: FakeOptions): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    this.log.length = 0;
    this.bench = new Workbench(this.directory);
    this.fake = new FakeSystem(join(this.directory, 'machine'), options);
    const { host } = this.bench;
    host.attachments = new AttachmentTable(host.engine, (line) => this.log.push(line), this.fake.system);
    await host.attachments.useFolder(this.folder);
    await this.bench.ok('create', 'disk', '--table', '0 2048 zero');
  }

  /** The node of an NBD device. */
  node(number: number): string {
    return this.fake.path(`dev/nbd${String(number)}`);
  }

  ok(...args: readonly string[]): Promise<string> {
    return this.bench.ok(...args);
  }

  /** What a command that fails says. */
  async complaint(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.bench.run(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    return stderr;
  }

  /** Nothing is left of any attachment, and the device is free. */
  async expectClean(): Promise<void> {
    expect(await this.ok('attach', 'ls')).toBe('Nothing is attached\n');
    expect(existsSync(this.folder)).toBe(false);
    expect(this.fake.mountPoints()).toEqual(['/']);
    for (const name of this.fake.system.nbdDevices()) expect(this.fake.isConnected(name)).toBe(false);
    await this.ok('remove', 'disk');
  }
}
