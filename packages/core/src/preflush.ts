import type { Bio } from './bio.ts';
import { bioPool } from './bio-pool.ts';
import { BioFlag, BioOp, Status } from './constants.ts';
import { dispatch } from './trampoline.ts';

/**
 * A write with Preflush is an empty flush and then the write, which keeps its other flags: the kernel's order, done once at
 * the submitter's edge, so that no layer below ever meets the flag.
 */
export function writeAfterPreflush(bio: Bio): void {
  const flush = bioPool.get();
  flush.op = BioOp.Flush;
  flush.sector = 0;
  flush.count = 0;
  flush.tag = bio;
  flush.end = writeNow;
  bio.flags &= ~BioFlag.Preflush;
  bio.port!.submit(flush);
}

function writeNow(flush: Bio): void {
  const bio = flush.tag as Bio;
  const { status } = flush;
  bioPool.put(flush);
  if (status === Status.Ok) dispatch(bio);
  else bio.complete(status);
}
