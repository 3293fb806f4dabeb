import { asError, type Engine, fail, isInterposerError } from '@interposer/core';
import {
  createSnapshots,
  finishMerge,
  listSnapshots,
  mergeSnapshot,
  openSnapshot,
  removeSnapshot,
  type SnapshotInfo,
  type SnapshotRequest,
  type StoreMaker,
} from '@interposer/live-snapshot';
import type { OpenSnapshot, SnapshotOptions } from '../service.ts';
import { resolveForUser } from '../working-directory.ts';
import { automaticPath, deleteStoreFile, isMissing, makeStoreFile } from './store-files.ts';

/** What the snapshots of a host need of it. */
export interface SnapshotsContext {
  readonly engine: Engine;
  /** Who has a device open, for messages: its exports and attachments. */
  readonly usersOf: (name: string) => string[];
  /** Where stores are that nobody named, of devices that stand on no image. */
  readonly stateFolder: () => string;
  readonly log: (message: string) => void;
}

const AUTO = 'auto';

/** The snapshots of an engine's devices, with the files of their stores. */
export class Snapshots {
  readonly #context: SnapshotsContext;
  /** Merges that are waited for, by the name of the snapshot. */
  readonly #merges = new Map<string, Promise<SnapshotInfo>>();
  readonly #closed = new AbortController();

  constructor(context: SnapshotsContext) {
    this.#context = context;
  }

  list(): Promise<SnapshotInfo[]> {
    return listSnapshots(this.#context.engine);
  }

  /** Files that were made for snapshots that could not be are gone again. */
  async create(requests: readonly SnapshotOptions[]): Promise<SnapshotInfo[]> {
    const made: string[] = [];
    try {
      const prepared = await Promise.all(requests.map((request) => this.#prepare(request, made)));
      return await createSnapshots(this.#context.engine, prepared);
    } catch (error) {
      for (const path of made) await this.#delete(path);
      throw error;
    }
  }

  async open({ store = AUTO, wait = false, ...request }: OpenSnapshot): Promise<SnapshotInfo> {
    const { engine, stateFolder } = this.#context;
    const auto = store === AUTO;
    const find: StoreMaker = (plan) => automaticPath(engine, plan, stateFolder());
    const info = await openSnapshot(engine, { ...request, auto, store: auto ? find : store });
    if (request.merge !== true) return info;
    const end = this.#finish(info.name);
    return wait ? end : info;
  }

  /** With `wait` resolves when the merge is over; it comes to its end whether anybody waits or not. */
  async merge(name: string, wait: boolean): Promise<SnapshotInfo> {
    const info = await this.#namingUsers(name, mergeSnapshot(this.#context.engine, name));
    const end = this.#finish(info.name);
    return wait ? end : info;
  }

  async remove(name: string): Promise<SnapshotInfo> {
    const info = await this.#namingUsers(name, removeSnapshot(this.#context.engine, name));
    if (info.auto) await this.#delete(info.store);
    return info;
  }

  /** Merges stay as far as they are. */
  close(): void {
    this.#closed.abort();
  }

  async #prepare(
    { store = AUTO, size, ...request }: SnapshotOptions,
    made: string[],
  ): Promise<SnapshotRequest> {
    const auto = store === AUTO;
    const { engine, stateFolder } = this.#context;
    const isNew = auto || (await this.#isNewFile(store));
    if (!isNew && size !== undefined)
      throw fail('EINVAL', `${store} is there: a size is for a store that is made`);
    if (!isNew) return { ...request, store };
    // Where the user stands is known here, and nowhere later.
    const named = auto ? undefined : resolveForUser(store);
    const maker: StoreMaker = async (plan) => {
      const path = named ?? (await automaticPath(engine, plan, stateFolder()));
      await makeStoreFile(path, plan, size);
      made.push(path);
      return path;
    };
    return { ...request, auto, store: maker };
  }

  /** Whether a store is a path where there is nothing yet: neither a device, nor what a driver takes. */
  async #isNewFile(store: string): Promise<boolean> {
    const { engine } = this.#context;
    const [, scheme] = /^([a-z][a-z0-9+-]*):/.exec(store) ?? [];
    if (scheme !== undefined && engine.registry.driver(scheme) !== undefined) return false;
    const names = (await engine.listDevices()).flatMap(({ name, major, minor }) => [
      name,
      `/dev/mapper/${name}`,
      `${String(major)}:${String(minor)}`,
    ]);
    return !names.includes(store) && isMissing(resolveForUser(store));
  }

  /** The end of a merge, for all who wait for it, and for nobody. */
  #finish(name: string): Promise<SnapshotInfo> {
    const known = this.#merges.get(name);
    if (known !== undefined) return known;
    const end = this.#mergeToEnd(name).finally(() => this.#merges.delete(name));
    this.#merges.set(name, end);
    end.catch((error: unknown) => {
      if (!this.#closed.signal.aborted) this.#context.log(`merge of ${name}: ${asError(error).message}`);
    });
    return end;
  }

  async #mergeToEnd(name: string): Promise<SnapshotInfo> {
    try {
      const info = await finishMerge(this.#context.engine, name, { signal: this.#closed.signal });
      if (info.auto) await this.#delete(info.store);
      return info;
    } catch (error) {
      if (this.#closed.signal.aborted)
        throw fail('ESHUTDOWN', `the daemon ends: the merge of ${name} goes on with open --merge`, error);
      throw error;
    }
  }

  /** Its snapshot is gone: what cannot be deleted is no reason to fail. */
  async #delete(path: string): Promise<void> {
    await deleteStoreFile(path).catch((error: unknown) => {
      this.#context.log(`the store ${path} stays: ${asError(error).message}`);
    });
  }

  async #namingUsers<T>(name: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      const users = this.#context.usersOf(name);
      if (!isInterposerError(error) || error.code !== 'EBUSY' || users.length === 0) throw error;
      throw fail('EBUSY', `${error.message}: ${users.join(', ')}`, error);
    }
  }
}
