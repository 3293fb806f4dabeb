import assert from 'node:assert/strict';
import { BioOp, SECTOR_SIZE, Status } from '@interposer/core';
import type { Case } from '../cases.ts';
import type { FrontendClient, FrontendPlug } from '../plugs.ts';
import type { Rig } from '../rig.ts';

/** What each rig's frontend is, and how to end it: once, whoever asks. */
export type Served = WeakMap<
  Rig,
  {
    readonly client: FrontendClient;
    readonly close: () => Promise<void>;
    readonly serve: FrontendPlug['serve'];
  }
>;

/** What holds for each frontend: it passes on every request and answer, and its end takes nothing with it. */
export function frontendCases(served: Served): readonly Case[] {
  return [...answerCases, ...closingCases(served)];
}

const answerCases: readonly Case[] = [
  {
    name: 'frontend: a flush reaches the device',
    async run(rig) {
      const disk = rig.disks[0]!;
      await rig.write(0, 8);
      const before = disk.arrived[BioOp.Flush]!;
      await rig.flush();
      assert(disk.arrived[BioOp.Flush]! > before, 'the flush ended above the device');
    },
  },
  {
    name: 'frontend: answers go to their own requests, in whatever order they come',
    async run(rig) {
      await rig.fill();
      const disk = rig.disks[0]!;
      disk.hold();
      const reads = Array.from({ length: 16 }, (_, i) => rig.startRead(i * 8, 8));
      while (disk.held.length < 16) await rig.wait(turn());
      disk.release('newest');
      await rig.wait(Promise.all(reads));
    },
  },
  {
    name: 'frontend: one failed request leaves the others alone',
    async run(rig) {
      await rig.fill();
      const disk = rig.disks[0]!;
      disk.fail(Status.Io, { op: BioOp.Read, skip: 5, times: 1 });
      const buffers = Array.from({ length: 12 }, () => new Uint8Array(8 * SECTOR_SIZE));
      const answers = await rig.wait(
        Promise.all(
          buffers.map((buffer, i) => rig.disk.io({ op: BioOp.Read, sector: i * 8, count: 8, buffer })),
        ),
      );
      assert.equal(answers.filter((status) => status !== Status.Ok).length, 1, 'one of twelve was to fail');
      for (const [i, status] of answers.entries())
        if (status === Status.Ok) rig.expectModel(buffers[i]!, 0, i * 8, 8);
      disk.heal();
      await rig.checkAll();
    },
  },
];

/** The cases that need the client itself. */
function closingCases(served: Served): readonly Case[] {
  return [
    {
      name: 'frontend: a request beyond the end fails, and the next one succeeds',
      async run(rig) {
        await rig.fill();
        const { sectors } = rig.disk;
        const { client } = served.get(rig)!;
        await assert.rejects(rig.wait(client.read((sectors - 1) * SECTOR_SIZE, 2 * SECTOR_SIZE)));
        await assert.rejects(rig.wait(client.write(sectors * SECTOR_SIZE, new Uint8Array(SECTOR_SIZE))));
        await rig.checkAll();
      },
    },
    {
      name: 'frontend: closed with requests under way it leaves no bio behind',
      async run(rig) {
        const disk = rig.disks[0]!;
        disk.hold();
        const reads = Array.from({ length: 8 }, (_, i) =>
          rig.disk.io({ op: BioOp.Read, sector: i * 8, count: 8, buffer: new Uint8Array(8 * SECTOR_SIZE) }),
        );
        while (disk.held.length < 8) await rig.wait(turn());
        const closing = served.get(rig)!.close();
        disk.release();
        await rig.wait(closing);
        // Each was answered or told that the connection is gone; none is left waiting.
        await rig.wait(Promise.all(reads));
      },
    },
    {
      name: 'frontend: a second client after the first sees the same data',
      async run(rig) {
        await rig.fill();
        const { close, serve } = served.get(rig)!;
        await rig.wait(close());
        const client = await rig.wait(serve(rig.port));
        const data = await rig.wait(client.read(0, 64 * SECTOR_SIZE));
        await rig.wait(client.close());
        rig.expectModel(data, 0, 0, 64);
      },
    },
  ];
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
