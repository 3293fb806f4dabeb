import { BioFlag, BioOp, bioPool, type Port } from '@interposer/core';
import { CommandFlag, NbdCommand } from '@interposer/nbd-protocol';
import { endOfBio, type Request } from './request.ts';

/** A request of whole blocks as one bio: read, write, trim or zero. */
export function submitWhole(request: Request, port: Port): void {
  const { command, flags } = request;
  if (command === NbdCommand.Read) {
    submit(request, port, BioOp.Read, 0);
  } else if (command === NbdCommand.Write) {
    submit(request, port, BioOp.Write, (flags & CommandFlag.Fua) === 0 ? 0 : BioFlag.Fua);
  } else if (command === NbdCommand.Trim) {
    submit(request, port, BioOp.Discard, 0);
  } else {
    submit(request, port, BioOp.WriteZeroes, (flags & CommandFlag.NoHole) === 0 ? 0 : BioFlag.NoUnmap);
  }
}

/** A flush for a request: its own, or the one that FUA wants after zeroes and discards. */
export function submitFlush(request: Request, port: Port): void {
  const bio = bioPool.get();
  bio.op = BioOp.Flush;
  bio.sector = 0;
  bio.count = 0;
  bio.tag = request;
  bio.end = endOfBio;
  port.submit(bio);
}

function submit(request: Request, port: Port, op: BioOp, flags: number): void {
  const bio = bioPool.get();
  bio.op = op;
  bio.flags = flags;
  bio.sector = request.sector;
  bio.count = request.count;
  if (request.payload !== null) {
    bio.buffer = request.payload;
    bio.bufferOffset = request.payloadStart;
  } else if (op === BioOp.Read) {
    bio.buffer = request.arena!.buffer;
    bio.bufferOffset = request.slot + request.headBytes;
  }
  bio.tag = request;
  bio.end = endOfBio;
  port.submit(bio);
}
