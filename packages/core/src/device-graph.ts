import { type Altitude, compareAltitudes } from './altitude.ts';
import type { BlockDevice } from './block-device.ts';
import { MAX_DEPTH } from './constants.ts';
import { fail } from './errors.ts';
import type { FilterStack } from './filter-stack.ts';
import type { Port } from './port.ts';

/** A place in a filter stack whose bios may go to other devices: a remap, or any filter that opens a further device. */
export interface Branch {
  readonly altitude: Altitude;
  /** Ports on the other devices. */
  readonly others: readonly Port[];
}

/** What is not in place yet, to work out what would be if it were. */
export interface Plan {
  /** The filter stack that a device is to have. */
  stackOf(device: BlockDevice): FilterStack;
  /** The ports of the tables that it is to have. */
  driverPortsOf(device: BlockDevice): readonly Port[];
}

const AS_IT_IS: Plan = {
  stackOf: ({ stack }) => stack,
  driverPortsOf: ({ driverPorts }) => driverPorts,
};

/**
 * The altitude below which the bios of a port enter its device; null: at the top. What lies behind a branch of a device
 * enters that device below the branch: so a mapped device may stand in for the very disk that its table uses, and the order
 * in which remaps and tables were made does not matter.
 */
export function entryBelow(port: Port, plan: Plan = AS_IT_IS): Altitude | null {
  const { device, owner } = port;
  let below = port.openedBelow;
  if (owner === null || owner === device) return below;
  for (const { altitude, others } of branchesOf(device, plan)) {
    const isLower = below === null || compareAltitudes(altitude, below) < 0;
    if (isLower && leadsTo(others, owner, device, plan)) below = altitude;
  }
  return below;
}

/** To be called after an edit of a device: sets anew where ports enter, and the ranks, of it and of all that stand on it. */
export function relink(device: BlockDevice): void {
  const affected = uppersOf(device);
  for (const one of affected) one.placePorts();
  for (const [one, rank] of ranksOf(affected)) one.path.rank = rank;
}

/** ELOOP where a plan would put a device on itself, by its tables or as a branch of its own, or stack devices too deep. */
export function checkPlan(device: BlockDevice, plan: Plan): void {
  const leadsBack = branchesOf(device, plan).some(({ others }) =>
    others.some((port) => port.device === device),
  );
  if (leadsBack || standsOn(device, device, plan))
    throw fail('ELOOP', `${device.name} would be stacked on itself`);
  checkDepth(device, plan);
}

/** ELOOP where the stack over a device is, or would be, deeper than allowed. */
export function checkDepth(device: BlockDevice, plan: Plan = AS_IT_IS): void {
  const depth = Math.max(...ranksOf(uppersOf(device), plan).values());
  if (depth <= MAX_DEPTH) return;
  throw fail(
    'ELOOP',
    `the stack would be ${String(depth)} devices deep; at most ${String(MAX_DEPTH)} are allowed`,
  );
}

/** Whether the tables of one device lead to another, whatever lies between. */
export function standsOn(upper: BlockDevice, lower: BlockDevice, plan: Plan = AS_IT_IS): boolean {
  const seen = new Set<BlockDevice>();
  const visit = (device: BlockDevice): boolean => {
    if (device === lower) return true;
    if (seen.has(device)) return false;
    seen.add(device);
    return plan.driverPortsOf(device).some((port) => visit(port.device));
  };
  return plan.driverPortsOf(upper).some((port) => visit(port.device));
}

function branchesOf(device: BlockDevice, plan: Plan): Branch[] {
  return plan.stackOf(device).steps.filter(({ others }) => others.length > 0);
}

/** Whether bios that leave through ports may come to a device, by any way that does not go through `except`. */
function leadsTo(ports: readonly Port[], wanted: BlockDevice, except: BlockDevice, plan: Plan): boolean {
  const seen = new Set([except]);
  const visit = (device: BlockDevice): boolean => {
    if (device === wanted) return true;
    if (seen.has(device)) return false;
    seen.add(device);
    const branches = branchesOf(device, plan).flatMap(({ others }) => others);
    return [...plan.driverPortsOf(device), ...branches].some((port) => visit(port.device));
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
function ranksOf(devices: ReadonlySet<BlockDevice>, plan: Plan = AS_IT_IS): Map<BlockDevice, number> {
  const ranks = new Map<BlockDevice, number>();
  // Each round settles one more layer; there are no loops, so it comes to an end. The bound is for what cannot be.
  for (let changed = true, rounds = 0; changed && rounds <= 2 * MAX_DEPTH; rounds++) {
    changed = false;
    for (const device of devices) {
      const rank = rankFrom(device, null, ranks, plan);
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
  plan: Plan,
): number {
  const via = (port: Port): number => {
    const entry = entryBelow(port, plan);
    if (entry !== null) return 1 + rankFrom(port.device, entry, ranks, plan);
    return 1 + (ranks.get(port.device) ?? port.device.path.rank);
  };
  const branches = branchesOf(device, plan).filter(
    ({ altitude }) => below === null || compareAltitudes(altitude, below) < 0,
  );
  return Math.max(
    device.path.leastRank,
    ...plan.driverPortsOf(device).map(via),
    ...branches.flatMap(({ others }) => others.map(via)),
  );
}
