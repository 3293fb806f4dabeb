import {
  ALL_OPS,
  type Bio,
  BioFlag,
  BioOp,
  EndResult,
  type Filter,
  type FilterType,
  PreResult,
  SECTOR_SIZE,
  Status,
} from '@interposer/core';
import { filterSuite } from '../../src/index.ts';
import type { Mutant } from './mutant.ts';
import { type Queue, queueType } from './queue.ts';

/** The sound original. */
export const queue: FilterType = queueType();

function filter(
  fault: string,
  failing: string,
  change: (queue: Queue) => Partial<Filter>,
  declares: Partial<FilterType> = {},
): Mutant {
  const mutant = queueType(change, declares);
  return {
    fault,
    failing,
    suite: (runner, mutated) => {
      filterSuite(runner, { type: mutated ? mutant : queue });
    },
  };
}

/** Looks at each bio on its way down and then lets it pass at once. */
function passing(look: (bio: Bio) => void): Partial<Filter> {
  return {
    pre: (bio) => {
      look(bio);
      return PreResult.Watch;
    },
  };
}

let detached = 0;

export const filterMutants: readonly Mutant[] = [
  filter(
    'keeps its bios when it has to let go',
    'detach: waits for no bio for ever, and each ends',
    (sound) => ({
      presuspend: () => {
        for (const timer of sound.timers.values()) timer.cancel();
      },
    }),
  ),
  filter(
    'loses a bio now and then',
    'data: 150 random requests, one after another, agree with the model',
    (sound) => {
      const pre = sound.pre.bind(sound);
      return { pre: (bio) => (sound.seen++ % 50 === 48 ? PreResult.Taken : pre(bio)) };
    },
  ),
  filter('sends bios on twice', 'completion: each of 64 bios under way ends once', (sound) => ({
    pre: (bio) => {
      sound.context.port.forward(bio);
      return PreResult.Watch;
    },
  })),
  filter(
    'scrambles writes and never unscrambles reads',
    'data: 1 block at the start, inside and at the end',
    () =>
      passing((bio) => {
        if (bio.op === BioOp.Write) bio.buffer[bio.bufferOffset + 100]! ^= 0xff;
      }),
  ),
  filter('changes the data of a write in place', 'window: a write leaves its buffer as it was', () =>
    passing((bio) => {
      if (bio.op === BioOp.Write) bio.buffer[bio.bufferOffset + 100]! ^= 0xff;
    }),
  ),
  filter(
    'answers reads of the first sector from memory',
    'completion: a write is visible to a read that its end submits',
    () => {
      const cache = new Uint8Array(SECTOR_SIZE);
      return {
        pre: (bio) => {
          if (bio.op !== BioOp.Read || bio.sector !== 0 || bio.count !== 1) return PreResult.Pass;
          bio.buffer.set(cache, bio.bufferOffset);
          bio.result = Status.Ok;
          return PreResult.Complete;
        },
      };
    },
  ),
  filter('drops FUA', 'stability: a write with FUA survives a power cut', () =>
    passing((bio) => {
      bio.flags &= ~BioFlag.Fua;
    }),
  ),
  filter('ends flushes itself', 'stability: what was flushed survives a power cut', () => ({
    pre: (bio) => {
      bio.result = Status.Ok;
      return bio.op === BioOp.Flush ? PreResult.Complete : PreResult.Pass;
    },
  })),
  filter('makes failures good', 'failure: a read that fails below with status 5 fails above', () => ({
    pre: () => PreResult.Watch,
    post: (bio) => {
      bio.status = Status.Ok;
      return EndResult.Done;
    },
  })),
  filter(
    'reports a failure where there is none',
    'flush: succeeds with nothing written, twice, and after writes',
    () => ({
      pre: () => PreResult.Watch,
      post: (bio) => {
        if (bio.op === BioOp.Flush) bio.status = Status.Io;
        return EndResult.Done;
      },
    }),
  ),
  filter('touches a neighbour', 'discard: neighbours stay, and the range can be written again', () =>
    passing((bio) => {
      if (bio.op === BioOp.Discard) bio.count++;
    }),
  ),
  filter('leaves data where zeroes are written', 'write-zeroes: the whole device', () => ({
    pre: (bio) => {
      bio.result = Status.Ok;
      return bio.op === BioOp.WriteZeroes ? PreResult.Complete : PreResult.Pass;
    },
  })),
  filter(
    'offers operations that are not there below',
    'limits: it promises nothing that is not below',
    () => ({
      limits: (below) => ({ ...below, sectors: below.sectors + 8 }),
    }),
  ),
  filter(
    'has an altitude that is not canonical',
    'type: can be registered, its altitude is canonical, its operations are declared once',
    () => ({}),
    { altitude: '0200000' },
  ),
  filter(
    'understands an operation and lets it by unseen',
    'type: can be registered, its altitude is canonical, its operations are declared once',
    () => ({}),
    { passes: ALL_OPS },
  ),
  filter(
    'forgets its argument in its text',
    'attach: its text attaches it again and gives the same text',
    () => ({
      table: () => '',
    }),
  ),
  filter('leaves a port open', 'detach: forgets everything', ({ context }) => {
    context.port.device.open({ mode: 'read', claim: 'noexcl', holder: 'leak' });
    return {};
  }),
  filter('remembers that it was there before', 'detach: forgets everything', () => ({
    status: () => `detached ${String(detached)} times`,
    detach: () => {
      detached++;
    },
  })),
  filter('ends its bios and keeps them too', 'detach: waits for no bio for ever, and each ends', (sound) => {
    const pre = sound.pre.bind(sound);
    return {
      pre: (bio) => {
        const result = pre(bio);
        bio.complete(Status.Ok);
        return result;
      },
    };
  }),
  filter('shrinks the window of a read', 'data: 8 blocks at the start, inside and at the end', () =>
    passing((bio) => {
      if (bio.op === BioOp.Read && bio.count > 1) bio.count--;
    }),
  ),
];
