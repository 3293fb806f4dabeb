import type { Bio } from './bio.ts';
import { API_VERSION, BioOp, MapResult, PreResult, Status } from './constants.ts';
import { fail } from './errors.ts';
import type { ExtentSource, Extent } from './extents.ts';
import type { Filter, FilterContext, FilterType } from './filter.ts';
import type { Limits } from './limits.ts';
import type { Port } from './port.ts';
import { type Splittable, Splitter } from './split.ts';
import type { Target, TargetType } from './target.ts';

/** How a target serves as a filter. */
export interface AsFilterOptions {
  /** Where it goes unless told otherwise. */
  readonly altitude: string;
  /** The parameter that names the device below: left out by the user, for the filter is on it. `device` by default. */
  readonly device?: string;
  /** The parameter that is the offset there: always 0. `offset` by default. */
  readonly offset?: string;
  /** Whether it leaves data and allocation as they are, so that holes below are holes above. */
  readonly keepsData?: boolean;
  /** As `FilterSpec.knowsIntegrity`. */
  readonly knowsIntegrity?: boolean;
}

/**
 * A target that maps one device 1:1 at the same sector, as a filter of the same name. Its arguments are those of the table
 * line without the device and the offset.
 */
export function asFilter(type: TargetType, options: AsFilterOptions): FilterType {
  const device = options.device ?? 'device';
  const offset = options.offset ?? 'offset';
  const own = type.params.filter((param) => param.name !== device && param.name !== offset);
  if (own.length === type.params.length)
    throw new TypeError(`${type.name} has no parameter "${device}" or "${offset}"`);
  return {
    kind: 'filter',
    api: API_VERSION,
    name: type.name,
    version: type.version,
    altitude: options.altitude,
    ops: type.ops,
    passes: 0,
    knowsIntegrity: options.knowsIntegrity ?? false,
    params: own,
    attach: async (context, args) => {
      const target = await makeTarget(type, context, { ...args, [device]: context.port, [offset]: 0 });
      const hidden = type.params.flatMap(({ name }, i) => (name === device || name === offset ? [i] : []));
      return new TargetFilter(target, context.port, hidden, options.keepsData ?? false);
    },
  };
}

function makeTarget(
  type: TargetType,
  context: FilterContext,
  args: Record<string, unknown>,
): Target | Promise<Target> {
  const { port, clock, keys, log, event } = context;
  const { sectors, readOnly } = port.limits;
  return type.create({ begin: 0, sectors, readOnly, clock, keys, log, event, open: openNothing }, args);
}

/** A filter's further devices are those that its parameters declare. */
function openNothing(spec: string): Promise<Port> {
  return Promise.reject(fail('ENOTSUP', `a target that serves as a filter opens no further device: ${spec}`));
}

class TargetFilter implements Filter, Splittable {
  readonly #target: Target;
  readonly #port: Port;
  /** Which of the target's words are not the filter's: each parameter up to there is one word. */
  readonly #hidden: readonly number[];
  readonly #splitter: Splitter = new Splitter(this);
  readonly message?: (words: readonly string[]) => string | Promise<string>;
  readonly extents?: (below: ExtentSource, sector: number, count: number) => Promise<Extent[]>;

  constructor(target: Target, port: Port, hidden: readonly number[], keepsData: boolean) {
    this.#target = target;
    this.#port = port;
    this.#hidden = hidden;
    const message = target.message?.bind(target);
    if (message !== undefined) this.message = message;
    if (keepsData) this.extents = (below, sector, count) => below.extents(sector, count);
  }

  pre(bio: Bio): PreResult {
    if (!this.#takes(bio.op)) return this.#refuse(bio);
    if (bio.count > this.room(bio.sector, bio.op)) {
      this.#splitter.split(bio);
      return PreResult.Taken;
    }
    switch (this.dispatch(bio)) {
      case MapResult.Submitted:
        return PreResult.Taken;
      case MapResult.Remapped:
        return PreResult.Pass;
      default:
        // A filter has no next table to wait for, so a requeue is an error as it is outside a noflush suspend.
        bio.result = Status.Io;
        return PreResult.Complete;
    }
  }

  room(sector: number, op: BioOp): number {
    const { maxIo } = this.#target;
    return maxIo === undefined || op > BioOp.Write ? Infinity : maxIo - (sector % maxIo);
  }

  copies(): number {
    return 1;
  }

  dispatch(bio: Bio): MapResult {
    const { sector } = bio;
    const result = this.#target.map(bio);
    if (result === MapResult.Remapped && (bio.port !== this.#port || bio.sector !== sector)) {
      throw fail('EFAULT', 'as a filter, a target must map each sector to the same sector of its device');
    }
    return result;
  }

  requeue(bio: Bio): void {
    bio.complete(Status.Io);
  }

  #takes(op: BioOp): boolean {
    const { flushCopies = 1, discardCopies = 1, writeZeroesCopies = 1 } = this.#target;
    if (op === BioOp.Flush) return flushCopies > 0;
    if (op === BioOp.Discard) return discardCopies > 0;
    return op !== BioOp.WriteZeroes || writeZeroesCopies > 0;
  }

  /** What a target wants no copy of is not supported; but a flush is for the device below, whatever the target thinks. */
  #refuse(bio: Bio): PreResult {
    if (bio.op === BioOp.Flush) return PreResult.Pass;
    bio.result = Status.NotSup;
    return PreResult.Complete;
  }

  limits(below: Limits): Limits {
    return this.#target.limits?.(below) ?? below;
  }

  /** The target's arguments without the device and offset. */
  table(showKeys: boolean): string {
    const words = this.#target.table(showKeys).split(' ');
    return words.filter((_word, index) => !this.#hidden.includes(index)).join(' ');
  }

  status(): string {
    return this.#target.status?.() ?? '';
  }

  presuspend(): void {
    this.#target.presuspend?.();
  }

  postsuspend(): void | Promise<void> {
    return this.#target.postsuspend?.();
  }

  preresume(): void | Promise<void> {
    return this.#target.preresume?.();
  }

  resume(): void {
    this.#target.resume?.();
  }

  detach(): void | Promise<void> {
    return this.#target.close?.();
  }
}
