import { join } from 'node:path';
import { asError, type Engine, fail } from '@interposer/core';
import type { AttachmentInfo, AttachRequest } from '../service.ts';
import { Attachment } from './attachment.ts';
import { chooseMethod } from './choose-method.ts';
import { dismantle } from './dismantle.ts';
import { findPlace, pathsOf, type Place } from './place.ts';
import { PrivateExport } from './private-export.ts';
import { type AttachmentRecord, StateFile } from './state-file.ts';
import { System } from './system.ts';

/** The devices of an engine that are devices of the operating system as well. */
export class AttachmentTable {
  readonly #engine: Engine;
  readonly #log: (message: string) => void;
  readonly #system: System;
  readonly #attachments = new Set<Attachment>();
  /** One that comes into being: it is written down already. */
  #coming: AttachmentRecord | null = null;
  #state: StateFile | null = null;
  #closed = false;
  /** What a daemon before this one left, and this one took away. */
  #recovered: readonly AttachmentRecord[] = [];
  /** Changes run one after another: each sees what the one before made of the system. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine, log: (message: string) => void, system: System = new System()) {
    this.#engine = engine;
    this.#log = log;
    this.#system = system;
  }

  /**
   * Keeps its sockets and the list of attachments in a folder, which nobody else uses at the same time. What a daemon that
   * was killed left is taken away first.
   */
  useFolder(folder: string): Promise<void> {
    return this.#inOrder(async () => {
      const state = new StateFile(folder, this.#system.bootId());
      this.#state = state;
      try {
        this.#recovered = state.load();
        for (const record of [...this.#recovered].reverse()) await this.#recover(record);
        // Also where nothing was found: one that was killed early left the folder, perhaps.
        this.#save();
      } catch (error) {
        this.#log(asError(error).message);
      }
    });
  }

  list(): AttachmentInfo[] {
    return [...this.#attachments].map((attachment) => attachment.info());
  }

  /** Makes a device one of the operating system. What is in the way is an error, and leaves nothing behind. */
  attach(device: string, request: AttachRequest = {}): Promise<AttachmentInfo> {
    return this.#inOrder(() => this.#attach(device, request));
  }

  /** Takes an attachment away, named by device, node or mount point. ENOENT, EINVAL if several match, EBUSY. */
  detach(what: string, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    return this.#inOrder(() => this.#detach(what, force));
  }

  /** Takes all of them away, the latest first; what is in use goes lazily. Nothing is attached any more. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#inOrder(async () => {
      for (const attachment of [...this.#attachments].reverse()) await this.#end(attachment, true);
    });
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #attach(device: string, request: AttachRequest): Promise<AttachmentInfo> {
    const state = this.#state;
    if (this.#closed) throw fail('ESHUTDOWN', 'the daemon is ending');
    if (state === null) throw fail('ENOTSUP', 'only a daemon attaches devices to the operating system');
    const place = await findPlace(request.mountPoint);
    const { path } = place;
    if (path !== undefined && [...this.#attachments].some((attachment) => attachment.isAt([path]))) {
      throw fail('EBUSY', `another device is attached at ${path}`);
    }
    const record = this.#plan(device, request, place, state);
    this.#coming = record;
    try {
      this.#save();
      return await this.#make(record);
    } finally {
      this.#coming = null;
      this.#save();
    }
  }

  #plan(
    device: string,
    request: AttachRequest,
    { kind, path }: Place,
    { folder, realFolder }: StateFile,
  ): AttachmentRecord {
    const { method = 'auto', readOnly = false } = request;
    const chosen = chooseMethod(method, kind, this.#system);
    const id = this.#freeId();
    const socket = join(folder, `${String(id)}.sock`);
    const record: AttachmentRecord = {
      id,
      device,
      method: chosen,
      readOnly,
      socket,
      ...(path === undefined ? {} : { mountPoint: path }),
    };
    if (chosen === 'nbd') return record;
    const point = (chosen === 'fuse' ? path : undefined) ?? join(realFolder, `${String(id)}.img`);
    const isInside = chosen === 'fuse' && kind === 'directory';
    return { ...record, fusePoint: point, file: isInside ? join(point, 'nbd') : point };
  }

  async #make(record: AttachmentRecord): Promise<AttachmentInfo> {
    const { device, socket, readOnly } = record;
    const exported = await PrivateExport.open(this.#engine, device, socket, readOnly);
    const attachment = new Attachment({ system: this.#system, record, exported, log: this.#log });
    await attachment.make(() => {
      this.#save();
    });
    this.#attachments.add(attachment);
    this.#watch(attachment);
    return attachment.info();
  }

  /** A helper that ends by itself, or was ended by somebody, takes its attachment with it. */
  #watch(attachment: Attachment): void {
    const gone = async (how: string): Promise<void> => {
      if (!this.#attachments.has(attachment)) return;
      this.#log(`${attachment.record.device} is no longer attached: ${how}`);
      await this.#forget(attachment);
    };
    attachment.ended
      .then((how) => this.#inOrder(() => gone(how)))
      .catch((error: unknown) => {
        this.#log(`${attachment.record.device}: ${asError(error).message}`);
      });
  }

  async #detach(what: string, force: boolean): Promise<void> {
    const paths = await pathsOf(what);
    const all = [...this.#attachments];
    const there = all.filter((attachment) => attachment.isAt(paths));
    const matches = there.length > 0 ? there : all.filter((attachment) => attachment.isOf(what, paths));
    const [attachment] = matches;
    if (matches.length > 1) {
      const nodes = matches.map((match) => match.info().node).join(', ');
      throw fail('EINVAL', `${what} is attached several times: name one of ${nodes}`);
    }
    if (attachment !== undefined) return this.#end(attachment, force);
    const left = this.#recovered.find((record) => wasAt(record, [what, ...paths]));
    if (left === undefined) throw fail('ENOENT', `${what} is not attached, and nothing is attached there`);
    // It went when this daemon started.
    this.#recovered = this.#recovered.filter((record) => record !== left);
  }

  async #end(attachment: Attachment, force: boolean): Promise<void> {
    await attachment.letGo(force);
    await this.#forget(attachment);
  }

  async #forget(attachment: Attachment): Promise<void> {
    try {
      await attachment.takeAway();
    } finally {
      this.#attachments.delete(attachment);
      this.#save();
    }
  }

  async #recover(record: AttachmentRecord): Promise<void> {
    const { device, node, file, mountPoint } = record;
    const places = [node ?? file, mountPoint].filter((place) => place !== undefined);
    this.#log(`${device} was left attached at ${places.join(' and ')}: it is taken away`);
    await dismantle({ system: this.#system, record, helper: null, log: this.#log });
  }

  #freeId(): number {
    const taken = new Set([...this.#attachments].map(({ record }) => record.id));
    let id = 0;
    while (taken.has(id)) id++;
    return id;
  }

  #save(): void {
    const records = [...this.#attachments].map(({ record }) => record);
    this.#state?.save(this.#coming === null ? records : [...records, this.#coming]);
  }
}

/** Whether a word of the user means what was attached there. */
function wasAt({ device, node, file, mountPoint }: AttachmentRecord, words: readonly string[]): boolean {
  return [device, node, file, mountPoint].some((place) => place !== undefined && words.includes(place));
}
