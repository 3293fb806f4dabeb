import { createHash } from 'node:crypto';
import { type Random, SECTOR_SIZE } from '@interposer/core';
import type { CrashTape, Images, TapeWrite } from './crash-tape.ts';

/** So many writes of a moment are kept, or lost, alone. */
const ALONE = 6;
/** So many states of a moment keep sectors by chance. */
const RANDOM = 4;

/** The disks that a power cut could have left. */
export interface CrashState {
  /** Events before the cut. */
  readonly length: number;
  readonly images: Images;
}

/** Whether a sector of a write that no flush covers is on the disk. */
type Keep = (write: TapeWrite, index: number) => boolean;

/** Writes that are on the disks at a moment, in the order they got there; those that may be lost. */
interface Moment {
  readonly writes: readonly TapeWrite[];
  readonly loose: ReadonlySet<TapeWrite>;
}

/** States of the first events of a run, one of each moment after the other and then the next one of each, none of them twice; so many at the most. */
export function* crashStates(
  tape: CrashTape,
  random: Random,
  most: number,
  events: number,
): Generator<CrashState> {
  const seen = new Set<string>();
  let waiting = shuffled(range(events + 1), random).map((length) => {
    const moment = momentOf(tape, length);
    const promised = tape.toldBefore(length).length;
    return { length, moment, promised, keeps: shuffled([...choices(moment, random)], random) };
  });
  for (; waiting.length > 0; waiting = waiting.filter(({ keeps }) => keeps.length > 0)) {
    for (const { length, moment, promised, keeps } of waiting) {
      const images = imagesOf(tape, moment, keeps.pop()!);
      const key = `${String(promised)} ${digest(images)}`;
      if (seen.has(key)) continue;
      if (seen.size === most) return;
      seen.add(key);
      yield { length, images };
    }
  }
}

/** What is under way may be there, too; what was flushed, or written with FUA, is. */
function momentOf({ events }: CrashTape, length: number): Moment {
  const past = events.slice(0, length);
  const stable = new Map<string, number>();
  for (const event of past)
    if (event.kind === 'flushed') stable.set(event.disk, Math.max(event.since, stable.get(event.disk) ?? 0));
  const done = new Set<TapeWrite>();
  const loose = new Set<TapeWrite>();
  for (const [index, event] of past.entries()) {
    if (event.kind !== 'done') continue;
    done.add(event.write);
    if (!event.write.fua && index >= (stable.get(event.write.disk) ?? 0)) loose.add(event.write);
  }
  for (const event of past) if (event.kind === 'sent' && !done.has(event.write)) loose.add(event.write);
  return { writes: [...new Set([...done, ...loose])], loose };
}

/** Nothing; all; all of one disk, or of all others; one write, or all others; sectors by chance. */
function* choices({ loose }: Moment, random: Random): Generator<Keep> {
  yield () => false;
  if (loose.size === 0) return;
  yield () => true;
  const disks = new Set([...loose].map(({ disk }) => disk));
  for (const disk of disks) {
    yield (write) => write.disk === disk;
    yield (write) => write.disk !== disk;
  }
  for (const chosen of shuffled([...loose], random).slice(0, ALONE)) {
    yield (write) => write === chosen;
    yield (write) => write !== chosen;
  }
  for (let i = 0; i < RANDOM; i++) {
    const share = random.next();
    yield () => random.chance(share);
  }
}

function imagesOf(tape: CrashTape, { writes, loose }: Moment, keep: Keep): Images {
  const images = new Map([...tape.images].map(([name, image]) => [name, image.slice()]));
  for (const write of writes) {
    const { disk, sector, data } = write;
    for (let at = 0; at < data.length; at += SECTOR_SIZE) {
      if (loose.has(write) && !keep(write, at)) continue;
      images.get(disk)!.set(data.subarray(at, at + SECTOR_SIZE), sector * SECTOR_SIZE + at);
    }
  }
  return images;
}

function digest(images: Images): string {
  const hash = createHash('sha1');
  for (const image of images.values()) hash.update(image);
  return hash.digest('base64');
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** The same values, in any order. */
function shuffled<Value>(values: readonly Value[], random: Random): Value[] {
  const order = values.map((value) => ({ value, key: random.next() }));
  return order.sort((a, b) => a.key - b.key).map(({ value }) => value);
}
