import type { Clock, Port } from '@interposer/core';
import type { Layout } from './layout.ts';
import type { TagPages } from './tag-pages.ts';

/** What a journal works with. */
export interface JournalContext {
  readonly layout: Layout;
  readonly port: Port;
  readonly tags: TagPages;
  readonly clock: Clock;
  readonly log: (message: string) => void;
  /** Percent of the journal that may be full until it is written to its place. */
  readonly watermark: number;
  /** Milliseconds until what was written is made stable. */
  readonly commitTime: number;
  /** There is room for more. */
  readonly onRoom: () => void;
  /** There is none, and there will be none. */
  readonly onFailure: () => void;
}
