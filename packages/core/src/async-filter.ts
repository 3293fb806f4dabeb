import type { Bio, Frame } from './bio.ts';
import { ALL_OPS, EndResult, type OpSet, PreResult, Status } from './constants.ts';
import { defineFilter, type Filter, type FilterContext, type FilterType } from './filter.ts';
import type { Param } from './params.ts';
import { codeOfErrno, ERROR_CODES, fail, isInterposerError } from './errors.ts';

/** Sends the bio on below the filter; resolves when it is back, and rejects if it failed there. At most once. */
export type Next = () => Promise<void>;

/** What an author writes about a filter in async style. */
export interface AsyncFilterSpec {
  readonly name: string;
  readonly version?: readonly [number, number, number];
  readonly altitude: string;
  /** Operations that `handle` understands; all by default. */
  readonly ops?: OpSet;
  readonly passes?: OpSet;
  /**
   * Sees each bio. May change its data before or after `await next()`, or not call `next` and so answer by itself. When it
   * returns the bio is done; when it throws the bio fails: with the status of an `InterposerError`, else as an I/O error.
   */
  handle(bio: Bio, next: Next): Promise<void>;
}

const NO_PARAMS: readonly Param[] = [];

/**
 * A filter type from one async function: a convenience for authors. It costs some promises for each bio, of which a filter
 * with `pre` and `post` needs none.
 */
export function asyncFilter(spec: AsyncFilterSpec): FilterType {
  return defineFilter({
    name: spec.name,
    version: spec.version ?? [1, 0, 0],
    altitude: spec.altitude,
    ops: spec.ops ?? ALL_OPS & ~(spec.passes ?? 0),
    passes: spec.passes ?? 0,
    params: NO_PARAMS,
    attach: (context) => new AsyncFilter(spec, context),
  });
}

class AsyncFilter implements Filter {
  readonly #spec: AsyncFilterSpec;
  readonly #context: FilterContext;

  constructor(spec: AsyncFilterSpec, context: FilterContext) {
    this.#spec = spec;
    this.#context = context;
  }

  pre(bio: Bio): PreResult {
    const journey = new Journey(bio, this.#context);
    this.#spec.handle(bio, journey.next).then(
      () => {
        journey.finish(Status.Ok);
      },
      (error: unknown) => {
        journey.finish(statusOf(error));
      },
    );
    return PreResult.Taken;
  }

  table(): string {
    return '';
  }
}

/** One bio's way through an async filter. */
class Journey implements Frame {
  readonly #bio: Bio;
  readonly #context: FilterContext;
  #resolve: (() => void) | null = null;
  #reject: ((error: Error) => void) | null = null;

  constructor(bio: Bio, context: FilterContext) {
    this.#bio = bio;
    this.#context = context;
  }

  readonly next: Next = () =>
    new Promise<void>((resolve, reject) => {
      if (this.#resolve !== null) throw new TypeError('next() was called twice for one bio');
      this.#resolve = resolve;
      this.#reject = reject;
      this.#bio.watch(this);
      this.#context.port.forward(this.#bio);
    });

  endIo(bio: Bio): EndResult {
    const { status } = bio;
    bio.reopen();
    if (status === Status.Ok) this.#resolve?.();
    else this.#reject?.(fail(codeOfErrno(status), `${bio.toString()} failed below`));
    return EndResult.Incomplete;
  }

  finish(status: Status): void {
    this.#bio.complete(status);
  }
}

function statusOf(error: unknown): Status {
  return isInterposerError(error) ? ERROR_CODES[error.code].errno : Status.Io;
}
