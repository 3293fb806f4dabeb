import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createEngine, type Engine } from '@interposer/core';
import { type CrashImageDriver, crashImageDriver, type CrashState, writeImage } from '@interposer/crash-test';
import type { System } from '../attach/system.ts';
import { type Served, withDisk } from './disk-session.ts';
import { withScratch } from './scratch.ts';
import type { Presentation } from './settings.ts';

/** Where a check runs, and what it is told of the state. */
export interface Stage {
  /** A folder of its own, empty. */
  readonly cwd: string;
  readonly env: Served;
}

/** Shows states to checks, each for as long as one check runs. */
export class Presenter {
  readonly #present: Presentation;
  readonly #system: System;
  readonly #log: (message: string) => void;
  readonly #states: CrashImageDriver = crashImageDriver();
  readonly #engine: Engine = createEngine({ types: [this.#states] });

  constructor(present: Presentation, system: System, log: (message: string) => void) {
    this.#present = present;
    this.#system = system;
    this.#log = log;
  }

  /** Nothing of what is made for a check outlives it. What the check writes to the disk is dropped. */
  show<T>(state: CrashState, work: (stage: Stage) => Promise<T>): Promise<T> {
    return withScratch(async (folder) => {
      const cwd = join(folder, 'work');
      const promises = join(folder, 'promises');
      await mkdir(cwd);
      await writeFile(promises, state.promises.map((promise) => `${promise}\n`).join(''));
      const about = { INTERPOSER_STATE: state.id, INTERPOSER_PROMISES: promises };
      return this.#disk(state, folder, (disk) => work({ cwd, env: { ...about, ...disk } }));
    });
  }

  /** When no check runs any more. */
  close(): Promise<void> {
    return this.#engine.close();
  }

  async #disk<T>(state: CrashState, folder: string, work: (env: Served) => Promise<T>): Promise<T> {
    if (this.#present !== 'image') return this.#served(state, work);
    const image = join(folder, 'disk.img');
    await writeImage(state, image);
    return work({ INTERPOSER_IMAGE: image });
  }

  async #served<T>(state: CrashState, work: (env: Served) => Promise<T>): Promise<T> {
    const name = this.#states.add(state);
    try {
      const port = await this.#engine.open(name);
      try {
        const path = this.#present === 'device' ? 'needed' : 'none';
        return await withDisk({ port, system: this.#system, path, log: this.#log }, work);
      } finally {
        port.close();
      }
    } finally {
      this.#states.remove(state);
    }
  }
}
