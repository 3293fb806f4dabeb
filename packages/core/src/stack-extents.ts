import { blaming, blamingLater } from './containment.ts';
import type { MetadataContext } from './contexts.ts';
import type { Driver } from './driver.ts';
import { dataExtent, type Extent, type ExtentSource } from './extents.ts';
import type { FilterStep } from './filter-stack.ts';

/** Allocation as seen through filters, highest first, down to the driver. Who does not tell counts as allocated. */
export function extentsThrough(steps: readonly FilterStep[], driver: Driver): ExtentSource {
  const [top, ...rest] = steps;
  if (top === undefined) {
    return {
      extents: async (sector, count) =>
        (await driver.extents?.(sector, count)) ?? [dataExtent(sector, count)],
    };
  }
  const below = extentsThrough(rest, driver);
  return {
    extents: async (sector, count) => (await told(top, below, sector, count)) ?? [dataExtent(sector, count)],
  };
}

/** What a filter tells of allocation; undefined where it does not, or broke its contract. */
async function told(
  step: FilterStep,
  below: ExtentSource,
  sector: number,
  count: number,
): Promise<Extent[] | undefined> {
  if (step.fenced) return undefined;
  return blamingLater(step, () => step.filter.extents?.(below, sector, count));
}

/** What filters publish. Who breaks its contract publishes nothing; a call that fails later names its filter. */
export function contextsOf(steps: readonly FilterStep[]): MetadataContext[] {
  return steps.filter(({ fenced }) => !fenced).flatMap((step) => publishedBy(step));
}

function publishedBy(step: FilterStep): MetadataContext[] {
  const contexts = blaming(step, () => step.filter.contexts?.() ?? []);
  return contexts.map((context) => ({
    name: context.name,
    extents: (sector, count) => blamingLater(step, () => context.extents(sector, count)),
  }));
}
