import { BioFlag, BioOp, bioPool, type Port, SECTOR_SIZE, Status } from '@interposer/core';
import type { FrontendClient } from '../../src/index.ts';

/** A request as it would lie on a wire. */
interface Call {
  readonly op: BioOp;
  readonly offset: number;
  readonly length: number;
  readonly data?: Uint8Array;
  readonly flags?: number;
}

/** A sound frontend and its client in one, without a wire between: the original of the frontend mutants. */
export class DirectClient implements FrontendClient {
  readonly port: Port;
  readonly pending = new Set<Promise<unknown>>();

  constructor(port: Port) {
    this.port = port;
  }

  call({ op, offset, length, data, flags = 0 }: Call): Promise<Uint8Array> {
    const answer = new Promise<Uint8Array>((resolve, reject) => {
      const bio = bioPool.get();
      const buffer = data ?? new Uint8Array(op === BioOp.Read ? length : 0);
      bio.op = op;
      bio.flags = flags;
      bio.sector = offset / SECTOR_SIZE;
      bio.count = length / SECTOR_SIZE;
      bio.buffer = buffer;
      bio.end = (done) => {
        const { status } = done;
        bioPool.put(done);
        if (status === Status.Ok) resolve(buffer);
        else reject(new Error(`status ${String(status)}`));
      };
      this.port.submit(bio);
    });
    const settled = answer.catch(() => undefined).finally(() => this.pending.delete(settled));
    this.pending.add(settled);
    return answer;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return this.call({ op: BioOp.Read, offset, length });
  }

  async write(
    offset: number,
    data: Uint8Array,
    { fua = false }: { readonly fua?: boolean } = {},
  ): Promise<void> {
    await this.call({ op: BioOp.Write, offset, length: data.length, data, flags: fua ? BioFlag.Fua : 0 });
  }

  async flush(): Promise<void> {
    await this.call({ op: BioOp.Flush, offset: 0, length: 0 });
  }

  async discard(offset: number, length: number): Promise<void> {
    await this.call({ op: BioOp.Discard, offset, length });
  }

  async writeZeroes(offset: number, length: number): Promise<void> {
    await this.call({ op: BioOp.WriteZeroes, offset, length });
  }

  async close(): Promise<void> {
    await Promise.all(this.pending);
  }
}
