import type { Bio } from './bio.ts';
import type { BlockDevice } from './block-device.ts';
import { ALL_OPS, PreResult } from './constants.ts';
import { fail } from './errors.ts';
import type { Extent, ExtentSource } from './extents.ts';
import type { FilterStep } from './filter-stack.ts';
import { defineFilter, type Filter, type FilterContext, type FilterType } from './filter.ts';
import { integrityRate, type Limits } from './limits.ts';
import type { Port } from './port.ts';

/** Sends every bio of its device to another device, which answers in its place. */
class Remap implements Filter {
  readonly #to: Port;

  /** `<device>` */
  constructor({ port }: FilterContext, to: Port) {
    this.#to = to;
    const covered = port.device;
    const { name, limits } = to.device;
    // A mapped device without a table is no disk yet.
    if (limits.sectors === 0) throw fail('ENXIO', `${name} has no table`);
    if (integrityRate(limits) !== integrityRate(port.limits)) {
      throw fail('EINVAL', `${name} does not keep the same integrity data as ${covered.name}`);
    }
    // What it promises may change with its table.
    to.onLimits = () => {
      covered.restack();
    };
  }

  pre(bio: Bio): PreResult {
    bio.port = this.#to;
    return PreResult.Redirect;
  }

  /** Those of the other device; the size stays, and what was read-only stays so. */
  limits(below: Limits): Limits {
    const to = this.#to.limits;
    return { ...to, sectors: below.sectors, readOnly: below.readOnly || to.readOnly };
  }

  extents(_below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    return this.#to.extents(sector, count);
  }

  table(): string {
    return this.#to.device.name;
  }
}

/**
 * The filter type of remaps: what reaches it goes to another device instead, in most cases a mapped device whose table uses
 * the covered device with `noexcl` and so enters it below this altitude. Kernel: the blk_interposer patches, v1 to v9.
 */
export const remapFilter: FilterType = defineFilter({
  name: 'remap',
  version: [1, 0, 0],
  altitude: '200000',
  ops: ALL_OPS,
  knowsIntegrity: true,
  params: [{ name: 'device', kind: 'device', about: 'what stands in for the device; at least as large' }],
  attach: (context, { device }) => new Remap(context, device),
});

export function isRemap({ type }: FilterStep): boolean {
  return type === remapFilter;
}

export function isRemapTo(step: FilterStep, device: BlockDevice): boolean {
  return isRemap(step) && step.others.some((port) => port.device === device);
}

/** The remaps on a device. */
export function remapsOn({ stack }: BlockDevice): FilterStep[] {
  return stack.steps.filter(isRemap);
}

/** The remaps that lead to a device. */
export function remapsTo(device: BlockDevice): FilterStep[] {
  const owners = [...device.ports].map(({ owner }) => owner);
  return [...new Set(owners)].flatMap((owner) =>
    (owner?.stack.steps ?? []).filter((step) => isRemapTo(step, device)),
  );
}

/** A device, or what it is going to be. */
export interface Sized {
  readonly name: string;
  readonly sectors: number;
}

/** EINVAL where a device that stands in for another is the smaller one. */
export function checkCovers(donor: Sized, covered: Sized): void {
  if (donor.sectors >= covered.sectors) return;
  throw fail(
    'EINVAL',
    `${donor.name} has ${String(donor.sectors)} sectors, too few to stand in for ${covered.name}, which has ${String(covered.sectors)}`,
  );
}
