import {
  type DeviceRef,
  type LayerCounters,
  type PathFilter,
  type PathNode,
  remapFilter,
  type TableRow,
} from '@interposer/core';
import { formatTable } from './text-table.ts';

/** A layer of the path, with what hangs below it. */
interface Branch {
  readonly text: string;
  readonly altitude?: string;
  /** Absent where nobody counts. */
  readonly counters?: LayerCounters;
  readonly below: readonly Branch[];
}

const HEADINGS = ['ALTITUDE', 'BIOS', 'NS/BIO', 'PATH'];

/** The path of a bio as a tree. It stands behind the numbers: names may be long, and numbers stay in their columns. */
export function drawPath(path: PathNode): string {
  const top = new Branches().ofDevice(path);
  return formatTable(HEADINGS, [...drawn(top, '', '')], ['BIOS', 'NS/BIO']);
}

function* drawn(branch: Branch, prefix: string, indent: string): Generator<string[]> {
  const { text, altitude = '', counters, below } = branch;
  const cost = counters?.cost === undefined ? '' : String(Math.round(counters.cost));
  yield [altitude, counters === undefined ? '' : String(counters.bios), cost, `${prefix}${text}`];
  for (const [at, child] of below.entries()) {
    const isLast = at === below.length - 1;
    yield* drawn(child, `${indent}${isLast ? '`- ' : '|- '}`, `${indent}${isLast ? '   ' : '|  '}`);
  }
}

/** Makes the branches of one drawing, from the top down. What would be the same again is drawn once. */
class Branches {
  /** Devices that have been named: each is counted as a whole, wherever bios entered it. */
  readonly #devices = new Set<string>();
  /** Ways into devices whose layers have been drawn. */
  readonly #entries = new Set<string>();

  ofDevice(node: PathNode): Branch {
    const { device, sectors, below, counters, inflight } = node;
    const name = `${device.name} (${number(device)})`;
    const text = below === undefined ? name : `${name} below ${below}`;
    const entry = `${number(device)} ${below ?? ''}`;
    if (this.#entries.has(entry)) return { text: `${text}, as above`, below: [] };
    this.#entries.add(entry);
    if (this.#devices.has(number(device))) return { text, below: this.#layers(node) };
    this.#devices.add(number(device));
    const inside = inflight === 0 ? '' : `, ${String(inflight)} in flight`;
    return { text: `${text}, ${String(sectors)} sectors${inside}`, counters, below: this.#layers(node) };
  }

  /** What no bio passes that comes from above is left out where the path comes back to it, and marked where it does not. */
  #layers(node: PathNode): Branch[] {
    const remapAt = node.filters.findIndex(({ type }) => type === remapFilter.name);
    const passed = remapAt < 0 ? node.filters : node.filters.slice(0, remapAt + 1);
    const upper = passed.map((filter) => this.#ofFilter(filter));
    const comesBack = remapAt >= 0 && passed[remapAt]!.others.some((other) => leadsTo(other, node.device));
    if (comesBack) return upper;
    const lower = node.filters.slice(passed.length).map((filter) => this.#ofFilter(filter));
    const rest = [...lower, ...this.#bottom(node)];
    const mark = remapAt < 0 ? '' : ', not reached';
    return [...upper, ...rest.map((branch) => ({ ...branch, text: `${branch.text}${mark}` }))];
  }

  #ofFilter({ type, altitude, args, counters, others }: PathFilter): Branch {
    return {
      text: words(type, args),
      altitude,
      counters,
      below: others.map((other) => this.ofDevice(other)),
    };
  }

  #bottom({ driver, rows }: PathNode): Branch[] {
    if (driver !== undefined) return [{ text: `driver ${driver}`, below: [] }];
    if (rows.length === 0) return [{ text: 'no table', below: [] }];
    return rows.map(({ row, counters, below }) => ({
      text: rowText(row),
      counters,
      below: below.map((lower) => this.ofDevice(lower)),
    }));
  }
}

/** Whether a path comes to a device, at the top or further down. */
function leadsTo({ device, filters, rows }: PathNode, wanted: DeviceRef): boolean {
  if (number(device) === number(wanted)) return true;
  const further = [...filters.flatMap(({ others }) => others), ...rows.flatMap(({ below }) => below)];
  return further.some((node) => leadsTo(node, wanted));
}

function number({ major, minor }: DeviceRef): string {
  return `${String(major)}:${String(minor)}`;
}

/** As a line of the table. */
function rowText({ start, length, type, params }: TableRow): string {
  return `${String(start)} ${String(length)} ${words(type, params)}`;
}

function words(type: string, args: string): string {
  return args === '' ? type : `${type} ${args}`;
}
