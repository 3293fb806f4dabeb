import { type OpenDevice, parseArgs } from './args.ts';
import type { BlockDevice } from './block-device.ts';
import type { Clock } from './clock.ts';
import { ALL_OPS, BioOp, hasOp, type OpSet, opSet, SECTOR_SIZE } from './constants.ts';
import { fail, type InterposerError, isInterposerError } from './errors.ts';
import type { KeySource } from './key-ring.ts';
import { type Limits, makeLimits, sharedIntegrity, stackLimits } from './limits.ts';
import { LiveTable } from './live-table.ts';
import type { Port } from './port.ts';
import type { Registry } from './registry.ts';
import { Row } from './row.ts';
import { quotingNoSecret } from './secrets.ts';
import { checkLayout, type TableLine } from './table-text.ts';
import type { Area, Target, TargetType } from './target.ts';

/** What a table is loaded with. */
export interface LoadContext {
  /** The mapped device it is for. */
  readonly device: BlockDevice;
  readonly registry: Registry;
  readonly readOnly: boolean;
  readonly clock: Clock;
  readonly keys: KeySource;
  readonly log: (message: string) => void;
  readonly event: () => void;
  /** Opens an underlying device; called again for the same device it may answer the same port. */
  readonly open: OpenDevice;
}

/**
 * Builds a table: layout, types, arguments, devices, limits. When anything fails everything acquired so far is given up
 * again, and the error says which line and why.
 */
export async function loadTable(lines: readonly TableLine[], context: LoadContext): Promise<LiveTable> {
  checkLayout(lines);
  const types = lines.map((line) => typeOf(line, context.registry));
  checkFeatures(lines, types, context.readOnly);
  const rows: Row[] = [];
  const ports: Port[] = [];
  try {
    for (const [index, line] of lines.entries()) {
      rows.push(await loadRow(line, types[index]!, context, ports));
    }
    const table = new LiveTable(context.device, rows, ports, context.readOnly, tableLimits);
    checkBlocks(rows, table.limits.logicalBlock);
    return table;
  } catch (error) {
    for (const { target } of rows) await target.close?.();
    for (const port of ports) port.close();
    throw error;
  }
}

function label({ line, type }: TableLine): string {
  return `table line ${String(line)}: ${type}`;
}

function typeOf(line: TableLine, registry: Registry): TargetType {
  const type = registry.target(line.type);
  if (type !== undefined) return type;
  throw fail(
    'EINVAL',
    `${label(line)}: unknown target type; install @interposer/target-${line.type}, or name its package with --plugin`,
  );
}

function checkFeatures(lines: readonly TableLine[], types: readonly TargetType[], readOnly: boolean): void {
  for (const [index, { features, name }] of types.entries()) {
    const where = label(lines[index]!);
    if (features.singleton === true && types.length > 1) {
      throw fail('EINVAL', `${where}: singleton target type must appear alone in table`);
    }
    if (features.alwaysWriteable === true && readOnly) {
      throw fail('EINVAL', `${where}: target type may not be included in a read-only table`);
    }
    if (features.immutable === true && types.some((type) => type.name !== name)) {
      throw fail('EINVAL', `${where}: immutable target type cannot be mixed with other target types`);
    }
  }
}

async function loadRow(line: TableLine, type: TargetType, context: LoadContext, ports: Port[]): Promise<Row> {
  const where = label(line);
  const open: OpenDevice = async (spec, claim, mode) =>
    takeOnce(await context.open(spec, claim, mode), ports);
  const args = await quotingNoSecret(type.params, line.words, () =>
    parseArgs(type.params, line.words, open, where, type.countError),
  );
  const { readOnly, clock, keys, log, event } = context;
  const place = { begin: line.start, sectors: line.length, readOnly, clock, keys, log, event, open };
  const target = await quotingNoSecret(type.params, line.words, () => create(type, place, args, where));
  const row = new Row(context.device, line, type, target);
  try {
    for (const area of target.areas()) checkArea(area, where);
    return row;
  } catch (error) {
    await target.close?.();
    throw error;
  }
}

async function create(
  type: TargetType,
  context: Parameters<TargetType['create']>[0],
  args: Readonly<Record<string, unknown>>,
  where: string,
): Promise<Target> {
  try {
    return await type.create(context, args);
  } catch (error) {
    if (!isInterposerError(error)) throw error;
    throw fail(error.code, `${where}: ${error.message}`, error);
  }
}

/** A table opens each device once, whichever of its rows use it; twice if it must be written by one that had it for reading. */
function takeOnce(port: Port, ports: Port[]): Port {
  const known = ports.find(
    ({ device, mode }) => device === port.device && (mode === port.mode || mode === 'write'),
  );
  if (known === undefined) {
    ports.push(port);
    return port;
  }
  // The stronger claim of the two stays.
  if (known.claim === 'noexcl' && port.claim !== 'noexcl') {
    known.claim = port.claim;
  }
  port.close();
  return known;
}

/** Kernel: device_area_is_invalid. */
function checkArea({ port, start, count }: Area, where: string): void {
  const { limits } = port;
  const { name } = port.device;
  // A mapped device without a table is no disk yet.
  if (limits.sectors === 0) throw fail('ENXIO', `${where}: Device lookup failed: ${name} has no table`);
  if (count > limits.sectors || start > limits.sectors - count) {
    throw fail(
      'EINVAL',
      `${where}: ${name} too small for target: start=${String(start)}, len=${String(count)}, dev_size=${String(limits.sectors)}`,
    );
  }
  const block = limits.logicalBlock / SECTOR_SIZE;
  for (const [what, value] of [
    ['start', start],
    ['len', count],
  ] as const) {
    if (value % block !== 0) {
      throw fail(
        'EINVAL',
        `${where}: ${what}=${String(value)} not aligned to h/w logical block size ${String(limits.logicalBlock)} of ${name}`,
      );
    }
  }
}

/** Stacks the limits of all rows and of all they use. Kernel: dm_calculate_queue_limits. */
function tableLimits(table: LiveTable): Limits {
  const last = table.rows.at(-1)!;
  let limits = makeLimits(last.end, { readOnly: table.readOnly, discardGranularity: 0 });
  const all: Limits[] = [];
  for (const row of table.rows) {
    let rowLimits = makeLimits(last.end, { readOnly: table.readOnly });
    for (const { port } of row.target.areas()) rowLimits = stackLimits(rowLimits, port.limits);
    rowLimits = { ...rowLimits, integrity: passedIntegrity(row, rowLimits.logicalBlock) };
    rowLimits = row.target.limits?.(rowLimits) ?? rowLimits;
    limits = stackLimits(limits, rowLimits);
    all.push(rowLimits);
  }
  const ops = tableOps(table.rows);
  return {
    ...limits,
    ops,
    discardGranularity: hasOp(ops, BioOp.Discard) ? limits.discardGranularity : 0,
    integrity: sharedIntegrity(all, limits.logicalBlock),
  };
}

/** What the devices below keep beside a block, if the row's target passes it on. */
function passedIntegrity({ target, type }: Row, logicalBlock: number): number {
  if (type.features.passesIntegrity !== true) return 0;
  return sharedIntegrity(
    target.areas().map(({ port }) => port.limits),
    logicalBlock,
  );
}

/**
 * A block of the mapped device may lie on several rows, if each part is whole blocks of what its row uses.
 * Kernel: validate_hardware_logical_block_alignment.
 */
function checkBlocks(rows: readonly Row[], logicalBlock: number): void {
  const block = logicalBlock / SECTOR_SIZE;
  /** Sectors of the last block that are left for the next rows. */
  let remaining = 0;
  for (const row of rows) {
    if (remaining < row.line.length && remaining % blockOf(row) !== 0) throw misaligned(row, logicalBlock);
    remaining = (block - (row.end % block)) % block;
  }
  if (remaining > 0) throw misaligned(rows.at(-1)!, logicalBlock);
}

/** The largest logical block of the devices a row uses, in sectors. */
function blockOf({ target }: Row): number {
  const blocks = target.areas().map(({ port }) => port.limits.logicalBlock);
  return Math.max(SECTOR_SIZE, ...blocks) / SECTOR_SIZE;
}

function misaligned({ line }: Row, logicalBlock: number): InterposerError {
  const { start, length } = line;
  return fail(
    'EINVAL',
    `${label(line)}: (start sect ${String(start)} len ${String(length)}) not aligned to h/w logical block size ${String(logicalBlock)}`,
  );
}

/** Reads, writes and flushes are always let in; discard and write-zeroes only where every row and device takes them. */
function tableOps(rows: readonly Row[]): OpSet {
  const optional = [BioOp.Discard, BioOp.WriteZeroes];
  const refused = optional.filter((op) => !rows.every((row) => rowTakes(row, op)));
  return ALL_OPS & ~opSet(...refused);
}

function rowTakes(row: Row, op: BioOp): boolean {
  return row.copies(op) > 0 && row.target.areas().every(({ port }) => hasOp(port.limits.ops, op));
}
