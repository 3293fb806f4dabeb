import { type Altitude, compareAltitudes } from './altitude.ts';
import type { BlockDevice } from './block-device.ts';
import { MAX_DEPTH } from './constants.ts';
import { fail } from './errors.ts';
import type { Port } from './port.ts';

/** A place in a filter stack whose bios may go to other devices: a remap, or any filter that opens a further device. */
export interface Branch {
  readonly altitude: Altitude;
  /** Ports on the other devices. */
  readonly others: readonly Port[];
}

/** A branch that is not in place yet, to work out what would be if it were. */
export interface PlannedBranch extends Branch {
  readonly device: BlockDevice;
}

/**
 * The altitude below which the bios of a port enter its device; null: at the top. What lies behind a branch of a device
 * enters that device below the branch: so a mapped device may stand in for the very disk that its table uses, and the order
 * in which remaps and tables were made does not matter.
 */
export function entryBelow(port: Port, planned?: PlannedBranch): Altitude | null {
  const { device, owner } = port;
  let below = port.openedBelow;
  if (owner === null || owner === device) return below;
  for (const { altitude, others } of branchesOf(device, planned)) {
    const isLower = below === null || compareAltitudes(altitude, below) < 0;
    if (isLower && leadsTo(others, owner, device)) below = altitude;
  }
  return below;
}

/** To be called after an edit of a device: sets anew where ports enter, and the ranks, of it and of all that stand on it. */
export function relink(device: BlockDevice): void {
  const affected = uppersOf(device);
  for (const one of affected) one.placePorts();
  for (const [one, rank] of ranksOf(affected)) one.path.rank = rank;
}

/** ELOOP where a branch would be on its own device, or make a stack deeper than allowed. */
export function checkBranch(planned: PlannedBranch): void {
  const { device, others } = planned;
  if (others.some((port) => port.device === device))
    throw fail('ELOOP', `${device.name} would be stacked on itself`);
  if (others.length > 0) checkDepth(device, planned);
}

/** ELOOP where the stack over a device is, or would be, deeper than allowed. */
export function checkDepth(device: BlockDevice, planned?: PlannedBranch): void {
  const depth = Math.max(...ranksOf(uppersOf(device), planned).values());
  if (depth <= MAX_DEPTH) return;
  throw fail(
    'ELOOP',
    `the stack would be ${String(depth)} devices deep; at most ${String(MAX_DEPTH)} are allowed`,
  );
}

/** Whether the tables of one device lead to another, whatever lies between. */
export function standsOn(upper: BlockDevice, lower: BlockDevice): boolean {
  const seen = new Set<BlockDevice>();
  const visit = (device: BlockDevice): boolean => {
    if (device === lower) return true;
    if (seen.has(device)) return false;
    seen.add(device);
    return device.driverPorts.some((port) => visit(port.device));
  };
  return upper.driverPorts.some((port) => visit(port.device));
}

function branchesOf(device: BlockDevice, planned?: PlannedBranch): Branch[] {
  const branches: Branch[] = device.stack.steps.filter(({ others }) => others.length > 0);
  return planned?.device === device ? [...branches, planned] : branches;
}

/** Whether bios that leave through ports may come to a device, by any way that does not go through `except`. */
function leadsTo(ports: readonly Port[], wanted: BlockDevice, except: BlockDevice): boolean {
  const seen = new Set([except]);
  const visit = (device: BlockDevice): boolean => {
    if (device === wanted) return true;
    if (seen.has(device)) return false;
    seen.add(device);
    return [...device.driverPorts, ...branchesOf(device).flatMap(({ others }) => others)].some((port) =>
      visit(port.device),
    );
  };
  return ports.some((port) => visit(port.device));
}

/** A device and all whose bios may come to it. */
function uppersOf(device: BlockDevice): Set<BlockDevice> {
  const uppers = new Set([device]);
  for (const one of uppers) {
    for (const { owner } of one.ports) if (owner !== null) uppers.add(owner);
  }
  return uppers;
}

/** The ranks of devices, of which all that are not among them keep theirs. */
function ranksOf(devices: ReadonlySet<BlockDevice>, planned?: PlannedBranch): Map<BlockDevice, number> {
  const ranks = new Map<BlockDevice, number>();
  // Each round settles one more layer; there are no loops, so it comes to an end. The bound is for what cannot be.
  for (let changed = true, rounds = 0; changed && rounds <= 2 * MAX_DEPTH; rounds++) {
    changed = false;
    for (const device of devices) {
      const rank = rankFrom(device, null, ranks, planned);
      if (rank !== ranks.get(device)) changed = true;
      ranks.set(device, rank);
    }
  }
  return ranks;
}

/** How many devices lie below at the longest, for bios that enter below an altitude. */
function rankFrom(
  device: BlockDevice,
  below: Altitude | null,
  ranks: ReadonlyMap<BlockDevice, number>,
  planned?: PlannedBranch,
): number {
  const via = (port: Port): number => {
    const entry = entryBelow(port, planned);
    if (entry !== null) return 1 + rankFrom(port.device, entry, ranks, planned);
    return 1 + (ranks.get(port.device) ?? port.device.path.rank);
  };
  const branches = branchesOf(device, planned).filter(
    ({ altitude }) => below === null || compareAltitudes(altitude, below) < 0,
  );
  return Math.max(
    device.path.leastRank,
    ...device.driverPorts.map(via),
    ...branches.flatMap(({ others }) => others.map(via)),
  );
}
