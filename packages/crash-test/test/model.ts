import type { Step } from './logs.ts';

/** For each content that a crash could have left: how many marks had been logged then, each number there is. */
export type Possible = Map<string, Set<number>>;

/**
 * The model of the README by brute force, written without a look at the library: everything a crash could have left of a disk
 * whose sectors are letters. `unit` is in sectors.
 */
export function possibleStates(base: string, steps: readonly Step[], unit: number): Possible {
  const possible: Possible = new Map();
  const put = (content: string, promised: number): void => {
    const known = possible.get(content) ?? new Set();
    possible.set(content, known.add(promised));
  };
  let durable = base;
  let promised = 0;
  let epoch: Step[] = [];
  const end = (): void => {
    promised = crashes(durable, epoch, promised, unit, put);
    for (const step of epoch) durable = apply(durable, step, everything);
    epoch = [];
  };
  for (const step of steps) {
    if (step[0] === 'flush') end();
    else epoch.push(step);
  }
  end();
  return possible;
}

/** Whether a sector of the disk is written. */
type Choice = (sector: number) => boolean;

const everything: Choice = () => true;

function apply(disk: string, step: Step, choice: Choice): string {
  const [op, at] = step;
  if (op === 'mark' || op === 'flush') return disk;
  const data = op === 'discard' ? '.'.repeat(step[2]) : step[2];
  return Array.from(disk, (old, sector) =>
    sector >= at && sector < at + data.length && choice(sector) ? data[sector - at]! : old,
  ).join('');
}

/** Every way to write some of a step's units, whole and absent included. */
function choices(step: Step, unit: number): Choice[] {
  const [op, at] = step;
  if (op === 'mark' || op === 'flush') return [everything];
  const length = op === 'discard' ? step[2] : step[2].length;
  const units = [...new Set(Array.from({ length }, (_, index) => Math.floor((at + index) / unit)))];
  return Array.from({ length: 2 ** units.length }, (_, mask) => (sector: number) => {
    const index = units.indexOf(Math.floor(sector / unit));
    return ((mask >> index) & 1) === 1;
  });
}

function crashes(
  durable: string,
  epoch: readonly Step[],
  promisedBefore: number,
  unit: number,
  put: (content: string, promised: number) => void,
): number {
  let promised = promisedBefore;
  let disk = durable;
  // Up to a write with FUA nothing else needs to be there.
  for (const step of epoch) {
    if (step[0] === 'mark' && step[1] !== 'dm-log-writes-end') promised++;
    if (step[0] !== 'fua') continue;
    for (const choice of choices(step, unit)) put(apply(disk, step, choice), promised);
    disk = apply(disk, step, everything);
  }
  let disks = new Set([durable]);
  for (const step of epoch) {
    const its = step[0] === 'fua' ? [everything] : choices(step, unit);
    disks = new Set([...disks].flatMap((one) => its.map((choice) => apply(one, step, choice))));
  }
  for (const one of disks) put(one, promised);
  return promised;
}
