import { afterEach, describe, expect, it } from 'vitest';
import { ALL_OPS, type Bio, BioOp, opSet, type Port, PreResult, Random, Status } from '../src/index.ts';
import { filterType, witness } from './support/plugins.ts';
import { read, Rig, send, shuffled, write } from './support/rig.ts';

let rig: Rig;

afterEach(() => rig.finish());

describe('the order of filters', () => {
  it('is that of altitude down, and the reverse up, whatever the order they were attached in', async () => {
    const names = ['a@5', 'b@10', 'c@10.5', 'd@10.50001', 'e@200', 'f@140000'];
    const random = new Random(7);
    const log: string[] = [];
    rig = new Rig(...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => witness(name, '1', log)));
    for (let round = 0; round < 10; round++) {
      const disk = rig.disks.add(`d${String(round)}`, 64);
      const port = await rig.open(`disk:d${String(round)}`);
      for (const name of shuffled(names, random)) await rig.engine.attachFilter(port.device.name, name);
      log.length = 0;
      read(port, 8);
      const down = ['f', 'e', 'd', 'c', 'b', 'a'].map((name) => `${name}>read 8+1`);
      expect(log).toEqual([...down, '<a', '<b', '<c', '<d', '<e', '<f']);
      expect(disk.seen).toEqual(['read 8+1']);
      expect(port.device.stack.steps.map(({ altitude }) => altitude)).toEqual([
        '140000',
        '200',
        '10.50001',
        '10.5',
        '10',
        '5',
      ]);
    }
  });

  it('never depends on who came first: a taken altitude is an error', async () => {
    rig = new Rig(filterType('one', '100'), filterType('two', '0100.0'));
    rig.disks.add('a', 64);
    await rig.engine.attachFilter('disk:a', 'one');
    await expect(rig.engine.attachFilter('disk:a', 'two')).rejects.toMatchObject({
      code: 'EBUSY',
      message: 'altitude 100 on a is taken by one',
    });
    await rig.engine.attachFilter('disk:a', 'two@99');
    expect((await rig.engine.filters('disk:a')).map(({ type }) => type)).toEqual(['one', 'two']);
  });
});

describe('what a filter answers', () => {
  it('passes, watches with a cookie, or completes', async () => {
    const ups: string[] = [];
    rig = new Rig(
      filterType('answers', '100', () => ({
        pre: (bio: Bio) => {
          bio.cookie = bio.sector * 2;
          bio.result = bio.sector === 2 ? Status.NoSpc : Status.Ok;
          return [PreResult.Pass, PreResult.Watch, PreResult.Complete][bio.sector]!;
        },
        post: (bio, cookie) => {
          ups.push(`${bio.toString()} ${String(cookie)}`);
          return 0;
        },
      })),
    );
    const disk = rig.disks.add('a', 64);
    await rig.engine.attachFilter('disk:a', 'answers');
    const port = await rig.open('disk:a');
    expect([0, 1, 2].map((sector) => read(port, sector).status)).toEqual([
      Status.Ok,
      Status.Ok,
      Status.NoSpc,
    ]);
    expect(ups).toEqual(['read 1+1 2']);
    expect(disk.seen).toEqual(['read 0+1', 'read 1+1']);
  });

  it('may be to take the bio, and to send it on below itself later', async () => {
    const log: string[] = [];
    let taken: Bio | null = null;
    let own: Port | null = null;
    rig = new Rig(
      witness('above', '200', log),
      filterType('taker', '100', ({ port }) => {
        own = port;
        return {
          pre: (bio: Bio) => {
            taken = bio;
            return PreResult.Taken;
          },
        };
      }),
      witness('under', '50', log),
    );
    const disk = rig.disks.add('a', 64);
    for (const name of ['above', 'taker', 'under']) await rig.engine.attachFilter('disk:a', name);
    const sent = write(await rig.open('disk:a'), 3);
    expect([log, disk.seen, sent.status]).toEqual([['above>write 3+1'], [], null]);
    own!.forward(taken!);
    expect(log).toEqual(['above>write 3+1', 'under>write 3+1', '<under', '<above']);
    expect(sent).toMatchObject({ status: Status.Ok, ends: 1 });
  });

  it('without a post may still be to watch', async () => {
    rig = new Rig(filterType('mute', '100', () => ({ pre: () => PreResult.Watch })));
    rig.disks.add('a', 64);
    await rig.engine.attachFilter('disk:a', 'mute');
    expect(read(await rig.open('disk:a'), 0).status).toBe(Status.Ok);
  });
});

describe('operations a filter does not know', () => {
  it('end there, unless they may pass unseen', async () => {
    const log: string[] = [];
    const knows = (name: string, altitude: string, passes: number): ReturnType<typeof witness> => ({
      ...witness(name, altitude, log),
      ops: opSet(BioOp.Read),
      passes,
    });
    rig = new Rig(knows('reads', '100', opSet(BioOp.Flush)), witness('all', '50', log));
    const disk = rig.disks.add('a', 64);
    await rig.engine.attachFilter('disk:a', 'reads');
    await rig.engine.attachFilter('disk:a', 'all');
    const port = await rig.open('disk:a');
    const statuses = Object.values(BioOp).map((op) => send(port, op, 0, op === BioOp.Flush ? 0 : 1).status);
    expect(statuses).toEqual([Status.Ok, Status.NotSup, Status.Ok, Status.NotSup, Status.NotSup]);
    expect(log).toEqual(['reads>read 0+1', 'all>read 0+1', '<all', '<reads', 'all>flush 0+0', '<all']);
    expect(disk.seen).toEqual(['read 0+1', 'flush 0+0']);
  });

  it('end at a driver that does not offer them, too', async () => {
    rig = new Rig();
    const disk = rig.disks.add('a', 64, { ops: ALL_OPS & ~opSet(BioOp.Discard) });
    expect(send(await rig.open('disk:a'), BioOp.Discard, 0, 1).status).toBe(Status.NotSup);
    expect(disk.seen).toEqual([]);
  });
});

describe('I/O of a filter itself', () => {
  it('enters below the filter, so that it never meets itself', async () => {
    const log: string[] = [];
    rig = new Rig(
      witness('top', '300', log),
      filterType('reader', '200', ({ port }) => ({
        pre: (bio: Bio) => {
          log.push(`reader>${bio.toString()}`);
          if (bio.op === BioOp.Write) read(port, 40);
          return PreResult.Pass;
        },
      })),
      witness('low', '100', log),
    );
    rig.disks.add('a', 64);
    for (const name of ['low', 'top', 'reader']) await rig.engine.attachFilter('disk:a', name);
    write(await rig.open('disk:a'), 3);
    expect(log).toEqual([
      'top>write 3+1',
      'reader>write 3+1',
      'low>write 3+1',
      '<low',
      '<top',
      'low>read 40+1',
      '<low',
    ]);
  });

  it('to another device enters at its top', async () => {
    const log: string[] = [];
    rig = new Rig(
      witness('top', '300', log),
      filterType(
        'copier',
        '200',
        (_context, args) => ({
          pre: (bio: Bio) => {
            write(args.other as Port, bio.sector);
            return PreResult.Pass;
          },
        }),
        { params: [{ name: 'other', kind: 'device', about: 'where copies go' }] },
      ),
    );
    rig.disks.add('a', 64);
    const other = rig.disks.add('b', 64);
    await rig.engine.attachFilter('disk:b', 'top');
    await rig.engine.attachFilter('disk:a', 'copier disk:b');
    write(await rig.open('disk:a'), 3);
    expect(log).toEqual(['top>write 3+1', '<top']);
    expect(other.seen).toEqual(['write 3+1']);
  });
});

describe('a bio that meets a filter twice', () => {
  it('is reported and fails, wherever it was sent round', async () => {
    let top: Port | null = null;
    rig = new Rig(
      filterType('round', '100', () => ({
        pre: (bio: Bio) => {
          top!.forward(bio);
          return PreResult.Taken;
        },
      })),
    );
    const disk = rig.disks.add('a', 64);
    await rig.engine.attachFilter('disk:a', 'round');
    top = await rig.open('disk:a');
    expect(read(top, 3)).toMatchObject({ status: Status.Io, ends: 1 });
    expect(rig.faults).toEqual(['filter round@100 on a: read 3+1 met the filters of a twice']);
    expect(disk.seen).toEqual([]);
  });

  it('is told also when it comes through a lower filter’s upper neighbour, or as a piece', async () => {
    let top: Port | null = null;
    rig = new Rig(
      filterType('round', '100', () => ({
        pre: (bio: Bio) => {
          bio.port = top;
          top!.forward(bio);
          return PreResult.Taken;
        },
      })),
    );
    rig.disks.add('a', 64);
    await rig.engine.create('m', { table: '0 8 span disk:a 0\n8 8 span disk:a 8' });
    await rig.engine.attachFilter('disk:a', 'round');
    top = await rig.open('m');
    expect(read(top, 4, 8)).toMatchObject({ status: Status.Io, ends: 1 });
    expect(rig.faults.length).toBeGreaterThan(0);
    expect(rig.faults[0]).toBe('filter round@100 on m: read 4+4 met the filters of m twice');
  });
});
