import {
  ALL_OPS,
  asyncFilter,
  type Bio,
  defineFilter,
  EndResult,
  type Extent,
  type ExtentSource,
  type Filter,
  type FilterContext,
  type FilterType,
  type Port,
  PreResult,
} from '@interposer/core';

/** Filters that change nothing, answer in all the ways there are, and note in `problems` where core breaks its word to them. */
export function watchedFilters(problems: string[]): FilterType[] {
  const type = (name: string, altitude: string, make: (context: FilterContext) => Filter): FilterType =>
    defineFilter({ name, version: [1, 0, 0], altitude, ops: ALL_OPS, params: [], attach: make });
  return [
    type('passes', '310000', ({ port }) => new Passes(port, problems)),
    type('watches', '130000', ({ port }) => new Watches(port, problems)),
    type('keeps', '230000', ({ port }) => new Keeps(port, problems)),
    asyncFilter({
      name: 'promises',
      altitude: '110000',
      handle: async (_bio, next) => {
        await new Promise(setImmediate);
        await next();
      },
    }),
  ];
}

/** Lets everything by, and is not called when it is gone. */
class Passes implements Filter {
  protected readonly port: Port;
  readonly #problems: string[];
  #gone = false;

  constructor(port: Port, problems: string[]) {
    this.port = port;
    this.#problems = problems;
  }

  pre(bio: Bio): PreResult {
    if (this.#gone) this.note(`was given ${bio.toString()} after it had gone`);
    return PreResult.Pass;
  }

  extents(below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    return below.extents(sector, count);
  }

  table(): string {
    return '';
  }

  detach(): void {
    if (this.#gone) this.note('had to go twice');
    this.#gone = true;
  }

  protected note(problem: string): void {
    this.#problems.push(`a filter on ${this.port.device.name} ${problem}`);
  }
}

/** Sees each bio come back exactly once, all of them before it has to go. */
class Watches extends Passes {
  readonly #inside = new Set<number>();
  #last = 0;

  override pre(bio: Bio): PreResult {
    super.pre(bio);
    bio.cookie = ++this.#last;
    this.#inside.add(bio.cookie);
    return PreResult.Watch;
  }

  post(bio: Bio, cookie: number): EndResult {
    if (!this.#inside.delete(cookie)) this.note(`saw ${bio.toString()} come back once more`);
    return EndResult.Done;
  }

  override detach(): void {
    super.detach();
    if (this.#inside.size > 0) this.note(`had to go before ${String(this.#inside.size)} bios came back`);
  }
}

/** Takes each bio and sends it on a turn later, in order; at once while the gate is closed. */
class Keeps extends Passes {
  readonly #kept: Bio[] = [];
  #draining = false;

  override pre(bio: Bio): PreResult {
    super.pre(bio);
    if (this.#draining) return PreResult.Pass;
    this.#kept.push(bio);
    if (this.#kept.length === 1) setImmediate(() => this.#release());
    return PreResult.Taken;
  }

  presuspend(): void {
    this.#draining = true;
    this.#release();
  }

  resume(): void {
    this.#draining = false;
  }

  override detach(): void {
    super.detach();
    if (this.#kept.length > 0) this.note(`had to go with ${String(this.#kept.length)} bios`);
  }

  #release(): void {
    for (const bio of this.#kept.splice(0)) this.port.forward(bio);
  }
}
