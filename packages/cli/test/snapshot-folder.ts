import { mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { snapshot, snapshotMerge, snapshotOrigin } from '@interposer/target-snapshot';
import { PLUGINS, Workbench } from './in-process.ts';
import { makeImage } from './temp.ts';

const SECTORS = 256;

const SNAPSHOTS = { package: 'snapshots', version: '1', types: [snapshot, snapshotMerge, snapshotOrigin] };

/** A folder with an image of ones, and benches that stand in it. */
export class SnapshotFolder {
  readonly path: string;
  readonly image: string;
  /** Of a snapshot of the image that has no name. */
  readonly store: string;

  constructor(root: string) {
    this.path = mkdtempSync(join(root, 'test-'));
    this.image = makeImage(this.path, 'image.img', SECTORS, Buffer.alloc(SECTORS * 512, 1));
    this.store = join(this.path, 'image-snap.cow');
  }

  get files(): string[] {
    return readdirSync(this.path).sort();
  }

  bench(): Workbench {
    return new Workbench(this.path, [...PLUGINS, SNAPSHOTS]);
  }

  /** A bench with a mapped device over the image. */
  async benchWithDisk(): Promise<Workbench> {
    const bench = this.bench();
    await bench.ok('create', 'disk', '--table', `0 ${String(SECTORS)} linear ${this.image} 0`);
    return bench;
  }
}

/** The first byte of a sector. */
export async function byteAt(bench: Workbench, device: string, sector: number): Promise<number> {
  return (await bench.connect().read(device, sector, 1))[0]!;
}

export async function fill(bench: Workbench, device: string, sector: number, byte: number): Promise<void> {
  await bench.connect().write(device, sector, new Uint8Array(512).fill(byte));
}
