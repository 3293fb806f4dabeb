import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BioOp, MapResult, type Port, Status, type Target } from '../src/index.ts';
import { type TestDisk } from './support/disks.ts';
import { targetType } from './support/plugins.ts';
import { Probe } from './support/probe.ts';
import { Rig, send } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
let probe: Probe;
let seen: string[];

beforeEach(() => {
  probe = new Probe();
  ({ seen } = probe);
  rig = new Rig(probe.type);
  disk = rig.disks.add('a', 1024);
});

afterEach(() => rig.finish());

function device(table: string, parts?: Partial<Target>): Promise<Port> {
  return probe.device(rig, table, parts);
}

describe('flushes', () => {
  const plan = async (table: string): Promise<string[]> => {
    const b = rig.disks.add('b', 1024);
    const port = await device(table);
    disk.seen.length = 0;
    expect(send(port, BioOp.Flush, 0, 0)).toMatchObject({ status: Status.Ok, ends: 1 });
    return [...disk.seen.map((bio) => `a ${bio}`), ...b.seen.map((bio) => `b ${bio}`)];
  };

  it('go once to each device where no target needs to map them', async () => {
    expect(await plan('0 8 span disk:a 0\n8 8 span disk:b 0\n16 8 span disk:a 8')).toEqual([
      'a flush 0+0',
      'b flush 0+0',
    ]);
  });

  it('go straight through to a single device', async () => {
    expect(await plan('0 8 span disk:b 8')).toEqual(['b flush 0+0']);
  });

  it('go to each row where one of them needs to map them', async () => {
    expect(await plan('0 8 probe disk:a 0\n8 8 probe disk:a 0\n16 8 span disk:b 0')).toEqual([
      'a flush 0+0',
      'a flush 0+0',
      'b flush 0+0',
    ]);
    expect(seen).toEqual(['flush 0+0#0', 'flush 8+0#0']);
  });

  it('are complete at once where nobody wants them', async () => {
    const port = await device('0 8 probe disk:a 0', { flushCopies: 0 });
    expect(send(port, BioOp.Flush, 0, 0)).toMatchObject({ status: Status.Ok, ends: 1 });
    expect(disk.seen).toEqual([]);
    rig.engine.registry.add(targetType('none', () => ({}), { features: { flushBypassesMap: true } }));
    await rig.engine.load('m', '0 8 none');
    await rig.engine.resume('m');
    expect(send(port, BioOp.Flush, 0, 0)).toMatchObject({ status: Status.Ok, ends: 1 });
  });

  it('fail with the first error, when all are back', async () => {
    const b = rig.disks.add('b', 1024);
    const port = await device('0 8 span disk:a 0\n8 8 span disk:b 0');
    disk.hold = b.hold = true;
    const sent = send(port, BioOp.Flush, 0, 0);
    b.held.pop()!.complete(Status.NoSpc);
    expect(sent.status).toBeNull();
    disk.held.pop()!.complete(Status.Io);
    expect(sent).toMatchObject({ status: Status.NoSpc, ends: 1 });
  });

  it('that a target kills or cannot map are errors', async () => {
    const port = await device('0 8 probe disk:a 0', { map: () => MapResult.Kill });
    expect(send(port, BioOp.Flush, 0, 0).status).toBe(Status.Io);
    await rig.engine.load('m', '0 8 error');
    await rig.engine.resume('m');
    expect(send(port, BioOp.Flush, 0, 0).status).toBe(Status.Io);
  });
});
