import { join } from 'node:path';
import { asError, fail, isInterposerError } from '@interposer/core';
import { chooseMethod } from '../attach/choose-method.ts';
import { dismantle } from '../attach/dismantle.ts';
import type { Helper } from '../attach/helper.ts';
import { makeNode } from '../attach/make-node.ts';
import type { AttachmentRecord } from '../attach/state-file.ts';
import type { System } from '../attach/system.ts';

/** What making a path for a served disk takes. */
export interface PathRequest {
  readonly system: System;
  /** Where the disk is served. */
  readonly socket: string;
  /** A private folder, where the path comes into being. */
  readonly folder: string;
  /** Told of whatever did not go in the usual way. */
  readonly log: (message: string) => void;
}

/** A disk that is served over NBD, as a file that nbdfuse makes: for commands that want a path. */
export class DiskPath {
  readonly path: string;
  readonly #request: PathRequest;
  readonly #record: AttachmentRecord;
  #helper: Helper | null = null;

  private constructor(request: PathRequest) {
    const { folder, socket } = request;
    this.path = join(folder, 'disk');
    this.#request = request;
    this.#record = {
      id: 0,
      device: this.path,
      method: 'fuse',
      readOnly: false,
      socket,
      fusePoint: this.path,
      file: this.path,
    };
  }

  /** Mounts it. The error says what is missing, and that there is another way. */
  static async open(request: PathRequest): Promise<DiskPath> {
    const path = new DiskPath(request);
    try {
      chooseMethod('fuse', 'none', request.system);
      await path.#make();
      return path;
    } catch (error) {
      await path.close();
      const code = isInterposerError(error) ? error.code : 'EIO';
      throw fail(
        code,
        `no path for the disk in INTERPOSER_DISK, which takes nbdfuse and /dev/fuse: ${asError(error).message}. ` +
          'The NBD URI in INTERPOSER_URI works everywhere',
        error,
      );
    }
  }

  async #make(): Promise<void> {
    await makeNode({
      system: this.#request.system,
      record: this.#record,
      logicalBlock: 512,
      save: () => undefined,
      onHelper: (helper) => {
        this.#helper = helper;
      },
    });
  }

  /** Unmounts it, lazily where somebody still uses it, and ends nbdfuse. */
  async close(): Promise<void> {
    if (this.#helper === null) return;
    const { system, log } = this.#request;
    await dismantle({ system, record: this.#record, helper: this.#helper, log });
  }
}
