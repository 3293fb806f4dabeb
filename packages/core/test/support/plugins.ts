import {
  ALL_OPS,
  type Bio,
  defineFilter,
  defineTarget,
  type Filter,
  type FilterContext,
  type FilterSpec,
  type FilterType,
  MapResult,
  type Param,
  type Port,
  PreResult,
  type Target,
  type TargetContext,
  type TargetSpec,
  type TargetType,
} from '../../src/index.ts';

export type Args = Readonly<Record<string, unknown>>;

/** A filter type whose filters let everything by, save for what `make` gives them. */
export function filterType(
  name: string,
  altitude: string,
  make: (context: FilterContext, args: Args) => Partial<Filter> | Promise<Partial<Filter>> = () => ({}),
  spec: Partial<FilterSpec<readonly Param[]>> = {},
): FilterType {
  return defineFilter({
    name,
    version: [1, 0, 0],
    altitude,
    ops: ALL_OPS,
    params: [],
    attach: async (context, args) => ({
      pre: () => PreResult.Pass,
      table: () => '',
      ...(await make(context, args)),
    }),
    ...spec,
  });
}

/** A filter type that writes down what it sees on the way down (`name>`) and up (`<name`). */
export function witness(name: string, altitude: string, log: string[]): FilterType {
  return filterType(name, altitude, () => ({
    pre: (bio: Bio) => {
      log.push(`${name}>${bio.toString()}`);
      return PreResult.Watch;
    },
    post: () => {
      log.push(`<${name}`);
      return 0;
    },
  }));
}

/** A target type without devices whose targets kill everything, save for what `make` gives them. */
export function targetType(
  name: string,
  make: (context: TargetContext, args: Args) => Partial<Target> | Promise<Partial<Target>>,
  spec: Partial<TargetSpec<readonly Param[]>> = {},
): TargetType {
  return defineTarget({
    name,
    version: [1, 0, 0],
    ops: ALL_OPS,
    params: [],
    create: async (context, args) => ({
      map: () => MapResult.Kill,
      areas: () => [],
      table: () => '',
      ...(await make(context, args)),
    }),
    ...spec,
  });
}

const SPAN_PARAMS: readonly Param[] = [
  { name: 'device', kind: 'device', claim: 'claim', about: 'the device below' },
  { name: 'offset', kind: 'sector', about: 'its first sector' },
  { name: 'claim', kind: 'claim', optional: true, about: 'how it is claimed' },
];

/** A run of sectors of another device, with whatever `make` adds. */
export function spanType(
  name = 'span',
  make: (port: Port, context: TargetContext) => Partial<Target> = () => ({}),
  spec: Partial<TargetSpec<readonly Param[]>> = {},
): TargetType {
  return targetType(
    name,
    (context, args) => {
      const port = args.device as Port;
      const offset = args.offset as number;
      return {
        map: (bio: Bio) => {
          bio.port = port;
          bio.sector += offset - context.begin;
          return MapResult.Remapped;
        },
        areas: () => [{ port, start: offset, count: context.sectors }],
        table: () => `${port.device.number} ${String(offset)}`,
        ...make(port, context),
      };
    },
    { params: SPAN_PARAMS, features: { flushBypassesMap: true }, ...spec },
  );
}

/** Every bio is an error; may replace anything. */
export const errorType: TargetType = targetType('error', () => ({}), { features: { wildcard: true } });
