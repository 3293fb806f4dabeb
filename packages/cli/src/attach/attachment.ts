import { asError, isInterposerError } from '@interposer/core';
import type { AttachmentInfo } from '../service.ts';
import { dismantle } from './dismantle.ts';
import type { Helper } from './helper.ts';
import { letGo } from './let-go.ts';
import { makeNode, mountNode } from './make-node.ts';
import type { PrivateExport } from './private-export.ts';
import { run } from './programs.ts';
import type { AttachmentRecord } from './state-file.ts';
import type { System } from './system.ts';

/** Milliseconds that what users wrote may take to the device before it is taken from them. */
const SYNC_LIMIT = 10_000;

/** What an attachment is made with. */
export interface AttachmentContext {
  readonly system: System;
  readonly record: AttachmentRecord;
  readonly exported: PrivateExport;
  readonly log: (message: string) => void;
}

/** One device that is attached to the operating system. */
export class Attachment {
  readonly record: AttachmentRecord;
  readonly #context: AttachmentContext;
  #helper: Helper | null = null;

  constructor(context: AttachmentContext) {
    this.#context = context;
    this.record = context.record;
  }

  /** Makes the node and mounts it. `save` writes the record down. What was made of a failure is taken away again. */
  async make(save: () => void): Promise<void> {
    const { system, record, exported } = this.#context;
    const { logicalBlock } = exported;
    const onHelper = (helper: Helper): void => {
      this.#helper = helper;
    };
    try {
      await makeNode({ system, record, logicalBlock, save, onHelper });
      if (record.method !== 'fuse') await mountNode(system, record);
    } catch (error) {
      await this.takeAway();
      throw error;
    }
  }

  /** Resolves when the helper ended, to how it did. */
  get ended(): Promise<string> {
    return this.#helper!.ended;
  }

  info(): AttachmentInfo {
    const { system, exported } = this.#context;
    const { method, readOnly, node, file, mountPoint } = this.record;
    const mounted = mountPoint !== undefined && system.mounts().some(({ point }) => point === mountPoint);
    return {
      device: exported.device.name,
      method,
      readOnly,
      lost: exported.device.lost,
      node: node ?? file!,
      ...(mounted ? { mountPoint } : {}),
      pid: this.#helper!.pid,
    };
  }

  /** Whether the user means this one by one of these paths. */
  isAt(paths: readonly string[]): boolean {
    const { node, file, mountPoint } = this.record;
    return [node, file, mountPoint].some((path) => path !== undefined && paths.includes(path));
  }

  /** Whether the user means its device by a word, which may be one of these paths. */
  isOf(word: string, paths: readonly string[]): boolean {
    const { name, number } = this.#context.exported.device;
    return [name, number, `/dev/mapper/${name}`].includes(word) || paths.includes(name);
  }

  /** Unmounts it if nobody uses it. EBUSY with those who do; with `force` that is logged, and they get errors. */
  async letGo(force: boolean): Promise<void> {
    const { system, record, log } = this.#context;
    try {
      await letGo({ system, record, helper: this.#helper! });
    } catch (error) {
      if (!force || !isInterposerError(error)) throw error;
      log(`${record.device}: ${error.message}`);
      // What its users wrote so far shall not be lost with them.
      const { mountPoint } = this.info();
      if (mountPoint !== undefined)
        await run(system, 'sync', ['-f', mountPoint], SYNC_LIMIT).catch(() => undefined);
    }
  }

  /** Takes away whatever there is of it, and gives the device back. */
  async takeAway(): Promise<void> {
    const { exported, log, record } = this.#context;
    await dismantle({ ...this.#context, helper: this.#helper });
    await exported.flush().catch((error: unknown) => {
      log(`${record.device}: ${asError(error).message}`);
    });
    await exported.close();
  }
}
