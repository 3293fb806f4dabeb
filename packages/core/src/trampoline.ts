import type { Bio } from './bio.ts';
import { containThrow, reportMisuse } from './containment.ts';
import { MapResult, Status } from './constants.ts';

/*
 * One queue for the thread: a bio submitted while another is on its way waits for its turn. So the stack stays flat
 * whatever the depth of devices, and bios leave in the order they came.
 */
let head: Bio | null = null;
let tail: Bio | null = null;
let running = false;
let plugs = 0;

/** Something that batches inside a burst, such as a socket or a leaf driver. */
export interface Pluggable {
  /** The burst is over: send what was collected. */
  unplug(): void;
}

let deferred: Pluggable[] = [];

/** Sends a bio to its port, or to its stage if it has one. May complete it before it returns. */
export function dispatch(bio: Bio): void {
  if (running) {
    bio.next = null;
    if (tail === null) head = bio;
    else tail.next = bio;
    tail = bio;
    return;
  }
  running = true;
  let next: Bio | null = bio;
  while (next !== null) {
    if (next.status === Status.Pending) advance(next);
    else reportMisuse(next, 'sent on a bio that was complete already');
    next = shift();
  }
  running = false;
}

function shift(): Bio | null {
  const bio = head;
  if (bio !== null) {
    head = bio.next;
    if (head === null) tail = null;
    bio.next = null;
  }
  return bio;
}

/** Down through the devices until somebody owns the bio. */
function advance(bio: Bio): void {
  const { generation } = bio;
  try {
    while (step(bio) === MapResult.Remapped) {
      // next device
    }
  } catch (error) {
    const { holder } = bio;
    containThrow(holder, error);
    // What the plugin did before it threw counts: a bio it completed or passed on is not ours to fail.
    if (bio.generation === generation && bio.status === Status.Pending) bio.complete(Status.Io);
  }
}

function step(bio: Bio): MapResult {
  const { stage } = bio;
  if (stage === null) return bio.port!.path.enter(bio);
  bio.stage = null;
  return stage.run(bio) as MapResult;
}

/** Opens a burst: until the matching `unplug`, those who batch hold back their system calls. */
export function plug(): void {
  plugs++;
}

/** Ends a burst. At the end of the outermost one everybody who deferred sends what was collected. */
export function unplug(): void {
  if (--plugs > 0) return;
  plugs = 0;
  while (deferred.length > 0) {
    const batch = deferred;
    deferred = [];
    for (const pluggable of batch) pluggable.unplug();
  }
}

/** Inside a burst: `unplug` of the given one will be called at its end, and the answer is true. Outside: false. */
export function deferToUnplug(pluggable: Pluggable): boolean {
  if (plugs === 0) return false;
  deferred.push(pluggable);
  return true;
}
