import { BioOp, type Port, SECTOR_SIZE } from '@interposer/core';
import { frontendSuite } from '../../src/index.ts';
import { DirectClient } from './client.ts';
import type { Mutant } from './mutant.ts';

function frontend(fault: string, failing: string, make: (port: Port) => DirectClient): Mutant {
  return {
    fault,
    failing,
    suite: (runner, mutated) => {
      frontendSuite(runner, {
        name: 'direct',
        timeout: 200,
        serve: async (port) => (mutated ? make(port) : new DirectClient(port)),
      });
    },
  };
}

export const frontendMutants: readonly Mutant[] = [
  frontend(
    'answers a flush itself',
    'frontend: a flush reaches the device',
    (port) =>
      new (class extends DirectClient {
        override async flush(): Promise<void> {}
      })(port),
  ),
  frontend(
    'drops FUA',
    'stability: a write with FUA survives a power cut',
    (port) =>
      new (class extends DirectClient {
        override write(offset: number, data: Uint8Array): Promise<void> {
          return super.write(offset, data);
        }
      })(port),
  ),
  frontend(
    'answers a failed read with zeroes',
    'failure: a read that fails below with status 5 fails above',
    (port) =>
      new (class extends DirectClient {
        override async read(offset: number, length: number): Promise<Uint8Array> {
          return super.read(offset, length).catch(() => new Uint8Array(length));
        }
      })(port),
  ),
  frontend(
    'gives answers in the order of the questions, whoever asked',
    'frontend: answers go to their own requests, in whatever order they come',
    (port) => new Confused(port),
  ),
  frontend(
    'forgets whom to answer when it is closed',
    'frontend: closed with requests under way it leaves no bio behind',
    (port) =>
      new (class extends DirectClient {
        #closed = false;
        override async read(offset: number, length: number): Promise<Uint8Array> {
          const data = await super.read(offset, length);
          return this.#closed ? new Promise<Uint8Array>(() => undefined) : data;
        }
        override async close(): Promise<void> {
          this.#closed = true;
        }
      })(port),
  ),
  frontend(
    'lets requests run on when it is closed',
    'frontend: closed with requests under way it leaves no bio behind',
    (port) =>
      new (class extends DirectClient {
        override async close(): Promise<void> {
          this.port.close();
          for (let i = 0; i < 4; i++) void this.port.read(0, 1).catch(() => undefined);
          throw new Error('closed with requests under way');
        }
      })(port),
  ),
  frontend(
    'cuts off the last sector of long reads',
    'data: 257 blocks at the start, inside and at the end',
    (port) =>
      new (class extends DirectClient {
        override async read(offset: number, length: number): Promise<Uint8Array> {
          const data = await super.read(offset, length);
          if (length > 256 * SECTOR_SIZE) data.fill(0, length - SECTOR_SIZE);
          return data;
        }
      })(port),
  ),
  frontend(
    'takes write-zeroes for discards of one sector',
    'write-zeroes: the range reads as zeroes, neighbours stay',
    (port) =>
      new (class extends DirectClient {
        override async writeZeroes(offset: number): Promise<void> {
          await this.call({ op: BioOp.Discard, offset, length: SECTOR_SIZE });
        }
      })(port),
  ),
];

/** Reads that wait together get one another's data. */
class Confused extends DirectClient {
  readonly #waiting: ((data: Uint8Array) => void)[] = [];

  override read(offset: number, length: number): Promise<Uint8Array> {
    const answer = new Promise<Uint8Array>((resolve) => this.#waiting.push(resolve));
    void super.read(offset, length).then((data) => this.#waiting.shift()?.(data));
    return answer;
  }
}
