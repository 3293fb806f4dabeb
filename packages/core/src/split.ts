import { type Bio, integrityBytes, type Stage } from './bio.ts';
import { bioPool } from './bio-pool.ts';
import { BioOp, MapResult, SECTOR_SIZE, Status } from './constants.ts';
import { dispatch } from './trampoline.ts';

/** Pieces of one bio that are under way at a time: bounds what a huge request may hold. */
const WINDOW = 16;

/** Somebody who takes a bio in pieces. */
export interface Splittable {
  /** Sectors from here that may go in one piece. */
  room(sector: number, op: BioOp): number;
  /** How many copies of the piece at this sector are wanted; 0: the operation is not supported there. */
  copies(sector: number, op: BioOp): number;
  /** Takes one piece. */
  dispatch(piece: Bio): MapResult;
  /** A piece wants to be mapped again later: takes the whole bio back. */
  requeue(bio: Bio): void;
}

/** Sends a bio down in pieces from the pool, in order; it completes when all have, with the first error. */
export class Splitter implements Stage {
  readonly #taker: Splittable;

  constructor(taker: Splittable) {
    this.#taker = taker;
  }

  /** Owns the bio from here. */
  split(bio: Bio): void {
    bio.cut = 0;
    bio.nextCopy = 0;
    bio.childStatus = Status.Ok;
    // One more than there are: the bio cannot end while pieces are still being handed out.
    bio.children = 1;
    for (let i = 0; i < WINDOW && bio.cut < bio.count; i++) {
      const piece = bioPool.get();
      bio.children++;
      this.#cut(bio, piece);
      dispatch(piece);
    }
    this.#leave(bio);
  }

  /** A piece leaves the queue. */
  run(piece: Bio): MapResult {
    const taker = this.#taker;
    if (taker.copies(piece.sector, piece.op) === 0) {
      piece.complete(Status.NotSup);
      return MapResult.Submitted;
    }
    const result = taker.dispatch(piece);
    if (result === MapResult.Requeue) piece.complete(Status.Requeue);
    else if (result === MapResult.Kill) piece.complete(Status.Io);
    else return result;
    return MapResult.Submitted;
  }

  #cut(bio: Bio, piece: Bio): void {
    const sector = bio.sector + bio.cut;
    const count = Math.min(bio.count - bio.cut, this.#taker.room(sector, bio.op));
    piece.op = bio.op;
    piece.flags = bio.flags;
    piece.sector = sector;
    piece.count = count;
    piece.buffer = bio.buffer;
    piece.bufferOffset = bio.bufferOffset + (bio.op <= BioOp.Write ? bio.cut * SECTOR_SIZE : 0);
    if (bio.integrityRate !== 0) cutIntegrity(bio, piece);
    piece.copy = bio.nextCopy;
    this.#advance(bio, sector, count);
    piece.port = bio.port;
    piece.origin = bio.origin;
    piece.rank = bio.rank;
    piece.holder = bio.holder;
    piece.parent = bio;
    piece.tag = this;
    piece.end = endPiece;
    piece.status = Status.Pending;
    piece.stage = this;
  }

  /** All copies of a piece go out before the next piece does. */
  #advance(bio: Bio, sector: number, count: number): void {
    if (++bio.nextCopy < this.#taker.copies(sector, bio.op)) return;
    bio.nextCopy = 0;
    bio.cut += count;
  }

  /** A piece is done: its bio object goes on with the next piece, or back to the pool. */
  ended(piece: Bio): void {
    const bio = piece.parent!;
    const { status } = piece;
    bioPool.put(piece);
    if (status === Status.Requeue || bio.childStatus === Status.Ok) bio.childStatus = status;
    if (bio.cut < bio.count) {
      const next = bioPool.get();
      this.#cut(bio, next);
      dispatch(next);
    } else {
      this.#leave(bio);
    }
  }

  #leave(bio: Bio): void {
    if (--bio.children > 0) return;
    if (bio.childStatus === Status.Requeue) this.#taker.requeue(bio);
    else bio.complete(bio.childStatus);
  }
}

function cutIntegrity(bio: Bio, piece: Bio): void {
  piece.integrity = bio.integrity;
  piece.integrityOffset = bio.integrityOffset + integrityBytes(bio, bio.cut);
  piece.integrityRate = bio.integrityRate;
}

function endPiece(piece: Bio): void {
  (piece.tag as Splitter).ended(piece);
}
