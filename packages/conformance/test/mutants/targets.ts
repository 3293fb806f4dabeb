import {
  type Bio,
  BioFlag,
  BioOp,
  bioPool,
  EndResult,
  MapResult,
  SECTOR_SIZE,
  Status,
  type TargetType,
} from '@interposer/core';
import { targetSuite } from '../../src/index.ts';
import type { Mutant } from './mutant.ts';
import { changed, Stripes, stripesPlug, stripesType } from './stripes.ts';

/** The sound original. */
export const stripes: TargetType = stripesType((context, given) => new Stripes(context, given));

function target(fault: string, failing: string, change: Parameters<typeof changed>[0]): Mutant {
  const mutant = changed(change);
  return {
    fault,
    failing,
    suite: (runner, mutated) => {
      targetSuite(runner, { type: mutated ? mutant : stripes, ...stripesPlug });
    },
  };
}

/** Maps as before, after a look at the bio. */
function mapping(
  look: (bio: Bio, sound: () => MapResult, target: Stripes) => MapResult,
): Parameters<typeof changed>[0] {
  return (original) => {
    const map = original.map.bind(original);
    return { map: (bio) => look(bio, () => map(bio), original) };
  };
}

export const targetMutants: readonly Mutant[] = [
  target(
    'begins one sector too far on its disks',
    'place: each sector lies where the table says',
    (sound) => {
      const place = sound.place.bind(sound);
      return {
        place: (chunk, rest) => {
          const [leg, sector] = place(chunk, rest);
          return [leg, sector + 1];
        },
      };
    },
  ),
  target('goes beyond the areas it declares', 'areas: nothing outside them is touched', (sound) => ({
    areas: () => sound.ports.map((port) => ({ port, start: 0, count: sound.context.sectors / 2 - 8 })),
  })),
  target('takes the disks in the wrong order', 'place: each sector lies where the table says', (sound) => ({
    place: (chunk, rest) => [1 - (chunk % 2), Math.floor(chunk / 2) * sound.chunk + rest],
  })),
  target(
    'lets two chunks share their place',
    'data: the whole device, sector by sector stamped',
    (sound) => ({
      place: (chunk, rest) => [chunk % 2, Math.floor(chunk / 4) * sound.chunk + rest],
    }),
  ),
  target(
    'forgets that its row does not begin at 0',
    'place: each sector lies where the table says',
    (sound) => ({
      map: (bio) => {
        if (bio.op === BioOp.Flush) bio.port = sound.ports[bio.copy]!;
        else {
          const [leg, sector] = sound.place(Math.floor(bio.sector / sound.chunk), bio.sector % sound.chunk);
          bio.port = sound.ports[leg]!;
          bio.sector = sector;
        }
        return MapResult.Remapped;
      },
    }),
  ),
  target(
    'asks to be cut at twice its chunk',
    'data: 63 blocks at the start, inside and at the end',
    (sound) => ({
      maxIo: 2 * sound.chunk,
    }),
  ),
  target(
    'writes text that is not its table line',
    'table: its text loads again and gives the same text',
    (sound) => ({
      table: () => sound.ports.map((port) => port.device.number).join(' '),
    }),
  ),
  target(
    'changes an argument in its text',
    'table: its text loads again and gives the same text',
    (sound) => ({
      table: () => `${String(sound.chunk * 2)} ${sound.ports.map((port) => port.device.number).join(' ')}`,
    }),
  ),
  target('has a status of two lines', 'table: text and status are single lines of words', () => ({
    status: () => '2\nAA',
  })),
  target('takes any message', 'table: a message nobody knows is refused', () => ({ message: () => 'fine' })),
  target(
    'loses FUA',
    'stability: a write with FUA survives a power cut',
    mapping((bio, sound) => {
      bio.flags &= ~BioFlag.Fua;
      return sound();
    }),
  ),
  target('ends flushes itself', 'failure: a flush that fails below fails above', () => ({ flushCopies: 0 })),
  target('flushes one disk of two', 'stability: what was flushed survives a power cut', () => ({
    flushCopies: 1,
  })),
  target(
    'makes a failed read a good one',
    'failure: a read that fails below with status 5 fails above',
    () => ({
      endIo: (bio) => {
        if (bio.op === BioOp.Read) bio.status = Status.Ok;
        return EndResult.Done;
      },
    }),
  ),
  target(
    'makes a failed write a good one',
    'failure: a write that fails below with status 5 fails above',
    () => ({
      endIo: (bio) => {
        if (bio.op === BioOp.Write) bio.status = Status.Ok;
        return EndResult.Done;
      },
    }),
  ),
  target(
    'reports another status than it got',
    'failure: a write that fails below with status 28 fails above',
    () => ({
      endIo: (bio) => {
        if (bio.status !== Status.Ok) bio.status = Status.NoDev;
        return EndResult.Done;
      },
    }),
  ),
  target(
    'forgets every hundredth bio',
    'data: the whole device in one request',
    (() => {
      let count = 0;
      return mapping((_bio, sound) => (++count % 100 === 0 ? MapResult.Submitted : sound()));
    })(),
  ),
  target(
    'completes a bio and maps it all the same',
    'completion: each of 64 bios under way ends once',
    mapping((bio, sound) => {
      const result = sound();
      if (bio.op === BioOp.Write) bio.complete(Status.Ok);
      return result;
    }),
  ),
  target(
    'keeps a bio of the pool',
    'data: 1 block at the start, inside and at the end',
    mapping((_bio, sound) => {
      bioPool.get();
      return sound();
    }),
  ),
  target(
    'reads later than it says it has, behind the gate',
    'lifecycle: nothing reaches a disk below while suspended',
    mapping((bio, sound, { context, ports }) => {
      if (bio.op === BioOp.Read)
        context.clock.after(20, () => void ports[0].read(0, 1).catch(() => undefined));
      return sound();
    }),
  ),
  target(
    'ends writes early and writes them later',
    'lifecycle: nothing reaches a disk below while suspended',
    mapping((bio, sound, original) => {
      if (bio.op !== BioOp.Write) {
        if (bio.op === BioOp.Read) original.context.clock.after(5, () => void original.ports[1].flush());
        return sound();
      }
      const data = bio.buffer.slice(bio.bufferOffset, bio.bufferOffset + bio.count * SECTOR_SIZE);
      const sector = bio.sector - original.context.begin;
      const [leg, below] = original.place(Math.floor(sector / original.chunk), sector % original.chunk);
      void original.ports[leg]!.write(below, data).catch(() => undefined);
      bio.complete(Status.Ok);
      return MapResult.Submitted;
    }),
  ),
  target('leaves a port open', 'data: 1 block at the start, inside and at the end', ({ ports }) => {
    ports[0].device.open({ mode: 'read', claim: 'noexcl', holder: 'leak' });
    return {};
  }),
  target('closes the port it maps to', 'areas: each lies inside its device', ({ ports }) => {
    ports[1].close();
    return {};
  }),
  target(
    'throws for some bios',
    'data: 150 random requests, one after another, agree with the model',
    (sound) => ({
      place: (chunk, rest) => {
        if (chunk === 7) throw new Error('chunk 7');
        return [chunk % 2, Math.floor(chunk / 2) * sound.chunk + rest];
      },
    }),
  ),
  target('leaves its frame twice', 'failure: a read that fails below with status 61 fails above', () => ({
    endIo: (bio) => {
      bio.reopen();
      bio.complete(Status.Ok);
      return EndResult.Incomplete;
    },
  })),
];
