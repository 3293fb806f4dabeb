import type { Bio } from '@interposer/core';
import { OPS } from './conditions.ts';
import type { ChaosOp, ChaosRequest } from './rule.ts';

/** The one object that predicates get, for each request anew. */
export class RequestView implements ChaosRequest {
  op: ChaosOp = 'read';
  sector = 0;
  count = 0;
  flags = 0;
  time = 0;
  nth = 0;
  state = '';

  show({ op, sector, count, flags }: Bio, time: number, nth: number, state: string): this {
    this.op = OPS[op]!;
    this.sector = sector;
    this.count = count;
    this.flags = flags;
    this.time = time;
    this.nth = nth;
    this.state = state;
    return this;
  }
}
