import {
  ALL_OPS,
  type Bio,
  defineFilter,
  type Filter,
  type FilterContext,
  type FilterType,
  PreResult,
  type Timer,
} from '@interposer/core';

/** A sound filter that keeps each bio for some milliseconds: the original of most filter mutants. */
export class Queue implements Filter {
  readonly context: FilterContext;
  readonly delay: number;
  readonly timers = new Map<Bio, Timer>();
  seen = 0;

  constructor(context: FilterContext, delay: number) {
    this.context = context;
    this.delay = delay;
  }

  pre(bio: Bio): PreResult {
    this.seen++;
    this.timers.set(
      bio,
      this.context.clock.after(this.delay, () => {
        this.go(bio);
      }),
    );
    return PreResult.Taken;
  }

  go(bio: Bio): void {
    this.timers.get(bio)?.cancel();
    this.timers.delete(bio);
    this.context.port.forward(bio);
  }

  presuspend(): void {
    for (const bio of [...this.timers.keys()]) this.go(bio);
  }

  table(): string {
    return String(this.delay);
  }

  status(): string {
    return 'ready';
  }
}

/** A type of queues, with some methods replaced. */
export function queueType(
  change: (queue: Queue) => Partial<Filter> = () => ({}),
  declares: Partial<FilterType> = {},
): FilterType {
  const type = defineFilter({
    name: 'queue',
    version: [1, 0, 0],
    altitude: '200000',
    ops: ALL_OPS,
    params: [{ name: 'delay', kind: 'uint', about: 'milliseconds', min: 3 }],
    attach: (context, { delay }) => {
      const queue = new Queue(context, delay);
      return Object.assign(queue, change(queue));
    },
  });
  return { ...type, ...declares };
}
