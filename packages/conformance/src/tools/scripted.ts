import {
  ALL_OPS,
  type Altitude,
  type Area,
  type Bio,
  defineFilter,
  defineTarget,
  type Filter,
  type FilterContext,
  type FilterType,
  MapResult,
  type Port,
  PreResult,
  type Target,
  type TargetType,
} from '@interposer/core';

/** A filter type from the hooks a case is about; what is left out lets bios through. With `params` it takes arguments. */
export function scriptedFilter(
  name: string,
  altitude: Altitude,
  attach: (context: FilterContext, args: Readonly<Record<string, unknown>>) => Partial<Filter>,
  declares: Partial<FilterType> = {},
): FilterType {
  const type = defineFilter({
    name,
    version: [1, 0, 0],
    altitude,
    ops: ALL_OPS,
    params: [],
    attach: (context, args) => ({ pre: () => PreResult.Pass, table: () => '', ...attach(context, args) }),
  });
  return { ...type, ...declares };
}

/** A target type over one whole device, from the hooks a case is about; what is left out maps to the same sector. */
export function scriptedTarget(
  name: string,
  create: (port: Port) => Partial<Target>,
  declares: Partial<TargetType> = {},
): TargetType {
  const type = defineTarget({
    name,
    version: [1, 0, 0],
    ops: ALL_OPS,
    params: [{ name: 'device', kind: 'device', about: 'the device below' }],
    create: ({ sectors, begin }, { device }) => {
      const areas: readonly Area[] = [{ port: device, start: begin, count: sectors }];
      const map = (bio: Bio): MapResult => {
        bio.port = device;
        return MapResult.Remapped;
      };
      return { map, areas: () => areas, table: () => device.device.number, ...create(device) };
    },
  });
  return { ...type, ...declares };
}
