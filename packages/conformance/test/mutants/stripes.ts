import {
  ALL_OPS,
  type Area,
  type Bio,
  BioOp,
  defineTarget,
  EndResult,
  type Frame,
  MapResult,
  type Port,
  type Target,
  type TargetContext,
  type TargetType,
} from '@interposer/core';

const CHUNK = 16;

/** What the table line of a `Stripes` gives. */
interface Given {
  readonly chunk: number;
  readonly first: Port;
  readonly second: Port;
}

/** A sound target over two disks, chunk by chunk, that watches its bios: the original of the target mutants. */
export class Stripes implements Target, Frame {
  readonly context: TargetContext;
  readonly chunk: number;
  readonly ports: readonly [Port, Port];
  maxIo: number;
  flushCopies = 2;

  constructor(context: TargetContext, { chunk, first, second }: Given) {
    this.context = context;
    this.chunk = chunk;
    this.maxIo = chunk;
    this.ports = [first, second];
  }

  map(bio: Bio): MapResult {
    if (bio.op === BioOp.Flush) {
      bio.port = this.ports[bio.copy]!;
      return MapResult.Remapped;
    }
    const sector = bio.sector - this.context.begin;
    const chunk = Math.floor(sector / this.chunk);
    const [leg, below] = this.place(chunk, sector % this.chunk);
    // Discards are not cut at chunks by core.
    if ((sector % this.chunk) + bio.count > this.chunk) return MapResult.Kill;
    bio.watch(this);
    bio.port = this.ports[leg]!;
    bio.sector = below;
    return MapResult.Remapped;
  }

  place(chunk: number, rest: number): readonly [leg: number, sector: number] {
    return [chunk % 2, Math.floor(chunk / 2) * this.chunk + rest];
  }

  endIo(_bio: Bio): EndResult {
    return EndResult.Done;
  }

  areas(): readonly Area[] {
    const count = this.context.sectors / 2;
    return this.ports.map((port) => ({ port, start: 0, count }));
  }

  table(): string {
    return `${String(this.chunk)} ${this.ports.map((port) => port.device.number).join(' ')}`;
  }

  status(): string {
    return '2 AA';
  }
}

/** A type of stripes from a class of them. No discards: they would need cutting. */
export function stripesType(create: (context: TargetContext, given: Given) => Target): TargetType {
  return defineTarget({
    name: 'stripes',
    version: [1, 0, 0],
    ops: ALL_OPS & ~((1 << BioOp.Discard) | (1 << BioOp.WriteZeroes)),
    params: [
      { name: 'chunk', kind: 'uint', about: 'sectors in a chunk', min: 1 },
      { name: 'first', kind: 'device', about: 'first disk' },
      { name: 'second', kind: 'device', about: 'second disk' },
    ],
    create,
  });
}

/** What `targetSuite` needs to know of it. */
export const stripesPlug = {
  devices: 2,
  table: ([first, second]: readonly string[]): string => `${String(CHUNK)} ${first!} ${second!}`,
  place: (sector: number): readonly [number, number] => {
    const chunk = Math.floor(sector / CHUNK);
    return [chunk % 2, Math.floor(chunk / 2) * CHUNK + (sector % CHUNK)];
  },
};

/** A `Stripes` of which some methods are replaced. */
export function changed(
  change: (target: Stripes) => Partial<Target & { place: Stripes['place']; endIo: Frame['endIo'] }>,
): TargetType {
  return stripesType((context, given) => {
    const target = new Stripes(context, given);
    return Object.assign(target, change(target));
  });
}
