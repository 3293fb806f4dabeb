// @ts-check
/** How exact the target `delay` is while much is under way, and what 10^5 bios cost that wait in it. */

/** @typedef {(packageName: string) => Promise<any>} Load */

/** Milliseconds. */
const DELAYS = [1, 5, 20, 100];
const DEPTH = 512;
/** Requests that are measured for each delay; those of the first tenth are not, they are for the JIT. */
const MEASURED = 20_000;
const PENDING = 100_000;
const ALLOWED_PART = 0.02;

/**
 * `late`: the worst of all delays; `timers`: the most that were started at a time; `memory`, `kept`: bytes of heap.
 *
 * @param {Load} load
 * @returns {Promise<Record<string, number>>}
 */
export async function measureDelay(load) {
  const core = await load('core');
  const { ram } = await load('device-ram');
  const { delay } = await load('target-delay');
  const types = [ram, delay];
  const late = [];
  for (const milliseconds of DELAYS) late.push(await lateness(core, types, milliseconds));
  return { late: Math.max(...late), ...(await crowd(core, types)) };
}

/** @param {any} core @param {any[]} types @param {number} milliseconds */
async function lateness(core, types, milliseconds) {
  const engine = core.createEngine({ types });
  const times = await closedLoop(core, await delayed(engine, milliseconds), MEASURED);
  const middle = times.sort((a, b) => a - b)[times.length >> 1] ?? NaN;
  return middle - milliseconds - ALLOWED_PART * milliseconds;
}

/** @param {any} engine @param {number} milliseconds */
async function delayed(engine, milliseconds) {
  await engine.create('slow', { table: `0 2048 delay ram:1M 0 ${milliseconds}` });
  return engine.open('slow');
}

/** Always so many reads under way; how long each took, in milliseconds. @param {any} core @param {any} port @param {number} count */
function closedLoop({ bioPool, BioOp, SECTOR_SIZE }, port, count) {
  const buffer = new Uint8Array(SECTOR_SIZE);
  /** @type {number[]} */
  const times = [];
  const unmeasured = count / 10;
  return new Promise((/** @type {(times: number[]) => void} */ resolve) => {
    let sent = 0;
    let ended = 0;
    const send = (/** @type {any} */ bio) => {
      if (sent++ >= count + unmeasured) return;
      Object.assign(bio, { op: BioOp.Read, sector: sent % 2048, count: 1, buffer });
      const start = performance.now();
      bio.end = () => {
        if (ended++ >= unmeasured) times.push(performance.now() - start);
        if (ended === count + unmeasured) resolve(times);
        else send(bio);
      };
      port.submit(bio);
    };
    for (let i = 0; i < DEPTH; i++) send(bioPool.get());
  });
}

/** @param {any} core @param {any[]} types */
async function crowd(core, types) {
  const { clock, most } = countingClock(core.systemClock);
  const engine = core.createEngine({ types, clock });
  const port = await delayed(engine, 1000);
  const before = heapUsed();
  const first = holdMany(core, port);
  const memory = (heapUsed() - before) / PENDING;
  await first;
  const second = holdMany(core, port);
  const kept = (heapUsed() - before) / PENDING - memory;
  await second;
  return { timers: most(), memory, kept: Math.max(0, kept) };
}

/** Ends when all are back. @param {any} core @param {any} port @returns {Promise<void>} */
function holdMany({ bioPool, BioOp, SECTOR_SIZE }, port) {
  const buffer = new Uint8Array(SECTOR_SIZE);
  return new Promise((resolve) => {
    let left = PENDING;
    const end = (/** @type {any} */ bio) => {
      bioPool.put(bio);
      if (--left === 0) resolve(undefined);
    };
    for (let i = 0; i < PENDING; i++) {
      const bio = bioPool.get();
      Object.assign(bio, { op: BioOp.Read, sector: i % 2048, count: 1, buffer, end });
      port.submit(bio);
    }
  });
}

/** @param {any} clock */
function countingClock(clock) {
  let running = 0;
  let most = 0;
  const after = (/** @type {number} */ milliseconds, /** @type {() => void} */ callback) => {
    most = Math.max(most, ++running);
    let over = false;
    const stop = () => {
      if (!over) running--;
      over = true;
    };
    const timer = clock.after(milliseconds, () => {
      stop();
      callback();
    });
    return {
      cancel: () => {
        stop();
        timer.cancel();
      },
    };
  };
  return { clock: { now: clock.now, after }, most: () => most };
}

function heapUsed() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
