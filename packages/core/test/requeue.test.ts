import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bio, BioOp, MapResult, type Port, Status, type Target } from '../src/index.ts';
import { type TestDisk } from './support/disks.ts';
import { Probe } from './support/probe.ts';
import { Rig, send, settle, write } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
let probe: Probe;

beforeEach(() => {
  probe = new Probe();
  rig = new Rig(probe.type);
  disk = rig.disks.add('a', 1024);
});

afterEach(() => rig.finish());

function device(table: string, parts?: Partial<Target>): Promise<Port> {
  return probe.device(rig, table, parts);
}

describe('a bio that a target wants to map again', () => {
  const REQUEUE: Partial<Target> = { map: () => MapResult.Requeue, maxIo: 8, ...{ flushCopies: 2 } };
  const bios = (port: Port): (() => (Status | null)[]) => {
    const sent = [write(port, 0, 4), write(port, 4, 12), send(port, BioOp.Flush, 0, 0)];
    return () => sent.map(({ status }) => status);
  };

  it('is an error outside a noflush suspend', async () => {
    const port = await device('0 64 probe disk:a 0', REQUEUE);
    expect(bios(port)()).toEqual([Status.Io, Status.Io, Status.Io]);
    const suspended = rig.engine.suspend('m');
    await suspended;
    const later = bios(port);
    expect(later()).toEqual([null, null, null]);
    await rig.engine.resume('m', { noflush: true });
    expect(later()).toEqual([Status.Io, Status.Io, Status.Io]);
  });

  it('in a noflush suspend goes to the next table, below the filters it has passed', async () => {
    const held: { complete: () => void }[] = [];
    const port = await device('0 64 probe disk:a 0', {
      maxIo: 8,
      map: (bio) => {
        held.push({
          complete: () => {
            bio.complete(Status.Requeue);
          },
        });
        return MapResult.Submitted;
      },
    });
    const sent = write(port, 4, 12);
    const suspending = rig.engine.suspend('m', { noflush: true });
    await settle();
    for (const { complete } of held) complete();
    await suspending;
    expect(sent.status).toBeNull();
    await rig.engine.load('m', '0 64 span disk:a 500');
    await rig.engine.resume('m');
    expect(sent).toMatchObject({ status: Status.Ok, ends: 1 });
    expect(disk.seen).toEqual(['write 504+12']);
  });

  it('may be given back later, whole, in pieces, in more pieces than go at a time, and as a flush', async () => {
    let taken: Bio[] | null = [];
    const port = await device('0 200 probe disk:a 0', {
      maxIo: 8,
      flushCopies: 2,
      presuspend: () => {
        const bios = taken!;
        taken = null;
        for (const bio of bios) bio.complete(Status.Requeue);
      },
      map: (bio) => {
        if (taken === null) return MapResult.Requeue;
        taken.push(bio);
        return MapResult.Submitted;
      },
    });
    const sent = [write(port, 0, 4), write(port, 4, 12), write(port, 0, 200), send(port, BioOp.Flush, 0, 0)];
    await rig.engine.suspend('m', { noflush: true });
    expect(sent.map(({ status }) => status)).toEqual([null, null, null, null]);
    await rig.engine.load('m', '0 200 span disk:a 500');
    await rig.engine.resume('m');
    expect(sent.map(({ status, ends }) => [status, ends])).toEqual(Array(4).fill([Status.Ok, 1]));
    expect(disk.seen.toSorted()).toEqual(['flush 0+0', 'write 500+200', 'write 500+4', 'write 504+12']);
  });

  it('fails with its table when that is taken away', async () => {
    let bio: { complete: (status: Status) => void } | null = null;
    const port = await device('0 64 probe disk:a 0', {
      map: (one) => {
        bio = one;
        return MapResult.Submitted;
      },
    });
    const sent = write(port, 0, 4);
    const suspending = rig.engine.suspend('m', { noflush: true });
    await settle();
    bio!.complete(Status.Requeue);
    await suspending;
    const parked = write(port, 8, 4);
    port.close();
    await rig.engine.remove('m');
    expect([sent.status, parked.status]).toEqual([Status.NoDev, Status.NoDev]);
  });
});
