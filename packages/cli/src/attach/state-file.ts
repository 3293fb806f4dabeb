import {
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { asError, fail, fromSystemError } from '@interposer/core';
import type { AttachMethod } from '../service.ts';

/**
 * What is known of an attachment, enough to take it away without the daemon that made it. A field is written down before
 * what it names comes into being.
 */
export interface AttachmentRecord {
  readonly id: number;
  /** As the user named it. */
  readonly device: string;
  readonly method: AttachMethod;
  readonly readOnly: boolean;
  /** The private socket on which the device is served. */
  readonly socket: string;
  /** Where nbdfuse mounts itself: a directory or a file. */
  fusePoint?: string;
  /** The file that is the device. */
  file?: string;
  /** The device node. A loop device is found by its file as well. */
  node?: string;
  /** Where the user wanted it: the file system of the node, or what nbdfuse makes. */
  readonly mountPoint?: string;
}

/** What the file holds. */
interface State {
  /** Of the start of the machine that it is about: after another, nothing of it is there. */
  readonly boot: string;
  readonly attachments: readonly AttachmentRecord[];
}

/** The runtime folder of a daemon beside its control socket, for this user only, and the list of attachments in it. */
export class StateFile {
  readonly folder: string;
  /** The same without symbolic links, as the kernel shows the files in it. */
  readonly realFolder: string;
  readonly #path: string;
  /** The next list, until it is whole. */
  readonly #next: string;
  readonly #boot: string;

  /** The folder comes with the first attachment; the one it is in has to be there. */
  constructor(folder: string, boot: string) {
    this.folder = folder;
    this.realFolder = join(realpathSync(dirname(folder)), basename(folder));
    this.#path = join(folder, 'attachments.json');
    this.#next = `${this.#path}.new`;
    this.#boot = boot;
  }

  /**
   * What the last daemon left, and did not take away any more. Of an earlier start of the machine only files are left, and
   * they are removed. EINVAL for a list that cannot be read.
   */
  load(): readonly AttachmentRecord[] {
    let text: string;
    try {
      this.#assertOwn();
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw fromSystemError(error, `the list of attachments in ${this.folder}`);
    }
    const state = this.#parse(text);
    if (state.boot === this.#boot) return state.attachments;
    rmSync(this.folder, { recursive: true });
    return [];
  }

  #parse(text: string): State {
    try {
      return JSON.parse(text) as State;
    } catch (error) {
      throw fail('EINVAL', `${this.#path} cannot be read: ${asError(error).message}`);
    }
  }

  /** Replaces the list in one step. With no attachments left the folder goes. EACCES if it is another user's. */
  save(attachments: readonly AttachmentRecord[]): void {
    if (attachments.length === 0) {
      rmSync(this.#path, { force: true });
      // A daemon that was killed while it wrote left one.
      rmSync(this.#next, { force: true });
      removeIfEmpty(this.folder);
      return;
    }
    const state: State = { boot: this.#boot, attachments };
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      this.#assertOwn();
      writeFileSync(this.#next, `${JSON.stringify(state)}\n`, { mode: 0o600 });
      renameSync(this.#next, this.#path);
    } catch (error) {
      throw fromSystemError(error, `the list of attachments in ${this.folder}`);
    }
  }

  /** The folder may lie in a directory that everybody writes to. */
  #assertOwn(): void {
    const { uid, mode } = lstatSync(this.folder);
    const isOwn = lstatSync(this.folder).isDirectory() && uid === process.getuid?.() && (mode & 0o077) === 0;
    if (!isOwn) throw fail('EACCES', `${this.folder} must be a directory of this user with mode 0700`);
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not there, or something is left in it that is not ours.
  }
}
