import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Bio, EndResult, PreResult, Status } from '../src/index.ts';
import { type TestDisk } from './support/disks.ts';
import { filterType, witness } from './support/plugins.ts';
import { read, Rig } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
let log: string[];

beforeEach(async () => {
  log = [];
  rig = new Rig(
    filterType('retry', '300', ({ port }) => ({
      pre: () => PreResult.Watch,
      post: (bio: Bio) => {
        if (bio.status === Status.Ok) return EndResult.Done;
        disk.status = Status.Ok;
        bio.reopen();
        bio.watch({ endIo: () => EndResult.Done });
        port.forward(bio);
        return EndResult.Incomplete;
      },
    })),
    witness('below', '100', log),
  );
  disk = rig.disks.add('a', 64);
  await rig.engine.attachFilter('disk:a', 'retry');
  await rig.engine.attachFilter('disk:a', 'below');
});

afterEach(() => rig.finish());

it('a filter that takes a bio back may send it down again, past the filters it met', async () => {
  disk.status = Status.Io;
  expect(read(await rig.open('disk:a'), 3)).toMatchObject({ status: Status.Ok, ends: 1 });
  expect(log).toEqual(['below>read 3+1', '<below', 'below>read 3+1', '<below']);
  expect(rig.faults).toEqual([]);
});
