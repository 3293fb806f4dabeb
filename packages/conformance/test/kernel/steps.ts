import { setImmediate } from 'node:timers/promises';
import { asError, type PluginType, type Port } from '@interposer/core';
import { expect } from 'vitest';
import type { StampedDisk } from './disk.ts';
import type { Outcome } from './perform.ts';
import { reached, Replay } from './replay.ts';
import type { Lower, Scenario, Step } from './scenario.ts';

/** Runs a scenario step by step: text, results, data, logs, and what reaches the disks must be those of the kernel. */
export async function replayScenario(one: Scenario, types: readonly PluginType[]): Promise<void> {
  const steps = new Steps(one, types);
  for (const [index, step] of one.steps.entries()) {
    await steps.run(step, `step ${String(index)}: ${JSON.stringify(step).slice(0, 120)}`);
  }
  await steps.replay.close();
}

class Steps {
  readonly replay: Replay;
  readonly #background = new Map<string, Promise<Outcome>>();
  readonly #held: Port[] = [];
  /** A program ran that is not replayed: what it did to the disks is not there. */
  #skipped = false;

  constructor(one: Scenario, types: readonly PluginType[]) {
    this.replay = new Replay(one, types);
  }

  async run(step: Step, where: string): Promise<void> {
    if (step.argv !== undefined) await this.#command(step, where);
    else if (step.at !== undefined) this.replay.passUntil(step.at);
    else if (step.hold !== undefined) this.#held.push(await this.#open(step.hold));
    else if (step.release !== undefined) this.#held.pop()!.close();
    else if (step.background !== undefined) await this.#start(step);
    else if (step.join !== undefined) await this.#end(step, where);
    else if (step.io !== undefined) await this.#io(step, where);
  }

  #open(node: string): Promise<Port> {
    return this.replay.engine.open(node.replace('/dev/mapper/', ''), { claim: 'noexcl' });
  }

  async #command(step: Step, where: string): Promise<void> {
    this.replay.takeLog();
    const { text, error } = await this.replay.command(step).then(
      (printed) => ({ text: printed, error: undefined }),
      (reason: unknown) => ({ text: undefined, error: asError(reason) }),
    );
    if (error === undefined && text === undefined) {
      this.#skipped ||= !['dmsetup', 'blockdev'].includes(step.argv![0]!);
      return;
    }
    if (step.code !== 0) expect(error, where).toBeDefined();
    else if (error !== undefined) throw error;
    else expect(text, where).toBe(step.stdout);
    if (step.argv![1] !== 'message') return;
    const told = logOf(step);
    if (step.code === 0) expect(this.replay.takeLog(), where).toEqual(told);
    else for (const line of told) expect(error?.message, where).toContain(line);
  }

  async #start(step: Step): Promise<void> {
    this.#background.set(step.background!, this.replay.io(step));
    // Now it has been sent.
    await setImmediate();
  }

  async #end(step: Step, where: string): Promise<void> {
    const running = this.#background.get(step.join!);
    if (running !== undefined) expect(await running, where).toEqual(outcomeOf(step));
  }

  async #io(step: Step, where: string): Promise<void> {
    const { replay } = this;
    // There is no such request here.
    if (step.io === 'secure_erase') return;
    if (step.io === 'map') expect(await replay.map(step), where).toEqual(step.map);
    else if (step.io !== 'disks') {
      expect(await replay.io(step), where).toEqual(outcomeOf(step));
      for (const disk of replay.disks.values()) expectReached(disk, step, where);
    }
    if (step.io !== 'disks' || !this.#skipped) expect(replay.changes(), where).toEqual(step.disks ?? {});
    this.#skipped = false;
    replay.reset();
  }
}

/** What the kernel logged, without its own words in front and without a full stop. */
function logOf({ dmesg = [] }: Step): string[] {
  return dmesg.map((line) => line.replace(/^device-mapper: [\w-]+: |\.$/g, ''));
}

function outcomeOf({ result, bytes, data }: Step): Partial<Outcome> {
  return {
    ...(result === undefined ? {} : { result }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(data === undefined ? {} : { data }),
  };
}

/** Sectors only, for the kernel may join requests; of flushes the number, but where it makes two of a FUA write. */
function expectReached(disk: StampedDisk, step: Step, where: string): void {
  const lower = step.lower?.[disk.name];
  const { flush, ...sectors } = reached(disk);
  expect(sectors, where).toEqual({
    read: sectorsOf(lower, 'read'),
    write: sectorsOf(lower, 'write'),
    discard: sectorsOf(lower, 'discard'),
  });
  if (step.io !== 'write_fua') expect(flush, where).toBe(flushesOf(lower));
}

/** The kernel joins flushes of a disk, too; but each is counted as a write of no sectors before. */
function flushesOf(lower: Lower | undefined): number {
  const write = lower?.write;
  return typeof write === 'object' && write[1] === 0 ? write[0] : ((lower?.flush as number | undefined) ?? 0);
}

function sectorsOf(lower: Lower | undefined, op: string): number {
  const count = lower?.[op];
  return typeof count === 'object' ? count[1] : 0;
}
