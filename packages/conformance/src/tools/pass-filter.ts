import {
  ALL_OPS,
  defineFilter,
  EndResult,
  type Filter,
  type FilterType,
  type Limits,
  PreResult,
} from '@interposer/core';

/** A filter that lets everything through and looks at it on both ways. Type `pass`. */
export const passFilter: FilterType = defineFilter({
  name: 'pass',
  version: [1, 0, 0],
  altitude: '400000',
  ops: ALL_OPS,
  knowsIntegrity: true,
  params: [],
  attach: () => new Pass(),
});

class Pass implements Filter {
  pre(): PreResult {
    return PreResult.Watch;
  }

  post(): EndResult {
    return EndResult.Done;
  }

  limits(below: Limits): Limits {
    return below;
  }

  extents: Filter['extents'] & {} = (below, sector, count) => below.extents(sector, count);

  table(): string {
    return '';
  }
}
