import { asError, fail, SECTOR_SIZE } from '@interposer/core';
import { ChunkTable, MOST_CHUNKS } from './chunk-table.ts';
import { PersistentStore } from './persistent-store.ts';
import { chunkProblem, type StoreArgs } from './snapshot-args.ts';
import { readHeader, type StoreHeader, VERSION } from './store-format.ts';
import type { ExceptionStore, SnapshotPorts } from './store.ts';
import { TransientStore } from './transient-store.ts';

/** Sectors; what the kernel takes where neither the table nor the store says. */
const DEFAULT_CHUNK = 32;

/** A store, and what is in it. */
export interface OpenedStore {
  readonly store: ExceptionStore;
  readonly table: ChunkTable;
  /** False: it was marked invalid. */
  readonly valid: boolean;
}

/** Opens the store of a snapshot, or makes a new one where the disk begins with zeroes. ENXIO for what is no store. */
export async function openStore(
  ports: SnapshotPorts,
  args: StoreArgs,
  log: (message: string) => void,
): Promise<OpenedStore> {
  if (args.letter === 'P') return openPersistent(ports, args.chunkSectors, log);
  if (args.chunkSectors === 0) throw fail('EINVAL', 'Chunk size not set');
  return { store: new TransientStore(ports, args.chunkSectors), table: new ChunkTable(), valid: true };
}

async function openPersistent(
  ports: SnapshotPorts,
  wanted: number,
  log: (message: string) => void,
): Promise<OpenedStore> {
  const block = ports.cow.limits.logicalBlock / SECTOR_SIZE;
  try {
    const header = readHeader(Buffer.from(await ports.cow.read(0, block)));
    if (header === null) throw fail('ENXIO', 'Invalid or corrupt snapshot');
    const chunkSectors = header?.chunkSectors ?? (wanted === 0 ? Math.max(DEFAULT_CHUNK, block) : wanted);
    const store = new PersistentStore(ports, checked(chunkSectors, ports), log);
    return await loadStore(store, header, wanted, log);
  } catch (error) {
    const { message, code } = asError(error) as Error & { code?: 'EINVAL' };
    throw fail(code ?? 'EIO', `Failed to read snapshot metadata: ${message}`, error);
  }
}

async function loadStore(
  store: PersistentStore,
  header: StoreHeader | undefined,
  wanted: number,
  log: (message: string) => void,
): Promise<OpenedStore> {
  const table = new ChunkTable();
  if (header === undefined) {
    await store.format();
    return { store, table, valid: true };
  }
  if (wanted !== 0 && wanted !== header.chunkSectors) {
    log(
      `chunk size ${String(header.chunkSectors)} in device metadata overrides table chunk size of ${String(wanted)}`,
    );
  }
  if (header.version !== VERSION)
    throw fail('EINVAL', `unable to handle snapshot disk version ${String(header.version)}`);
  if (header.valid) {
    const chunks = store.usage().total / store.chunkSectors;
    await store.load((oldChunk, newChunk) => {
      // A table of numbers of 32 bits would take it for another one.
      if (oldChunk >= MOST_CHUNKS || newChunk >= chunks)
        throw fail(
          'EIO',
          `an exception of chunk ${String(oldChunk)} lies at ${String(newChunk)}, outside of the store`,
        );
      table.set(oldChunk, newChunk);
    });
  } else log('Snapshot is marked invalid');
  return { store, table, valid: header.valid };
}

function checked(chunkSectors: number, ports: SnapshotPorts): number {
  const problem = chunkProblem(chunkSectors, ports);
  if (problem !== undefined)
    throw fail('EINVAL', `invalid on-disk chunk size ${String(chunkSectors)}: ${problem}`);
  return chunkSectors;
}
