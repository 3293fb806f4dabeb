import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  asFilter,
  type Bio,
  EndResult,
  MapResult,
  type Param,
  type Port,
  Status,
  type Target,
} from '../src/index.ts';
import { stampAt, stamped, type TestDisk } from './support/disks.ts';
import { type Args, spanType, targetType } from './support/plugins.ts';
import { read, Rig, write } from './support/rig.ts';

let rig: Rig;
let disk: TestDisk;
let parts: (port: Port) => Partial<Target>;

const DEVICE: Param = { name: 'device', kind: 'device', about: 'below' };
const OFFSET: Param = { name: 'offset', kind: 'sector', about: 'first sector' };
const MODE: Param = { name: 'mode', kind: 'word', about: 'how' };

/** A target type that maps 1:1, with its parameters in some order. */
function oneToOne(name: string, params: readonly Param[]): ReturnType<typeof targetType> {
  return targetType(
    name,
    (_context, args: Args) => {
      const port = args.device as Port;
      return {
        map: (bio: Bio) => {
          bio.port = port;
          return MapResult.Remapped;
        },
        table: () =>
          params
            .map((param) => (param.kind === 'device' ? port.device.number : String(args[param.name])))
            .join(' '),
        ...parts(port),
      };
    },
    { params },
  );
}

beforeEach(() => {
  parts = () => ({});
  rig = new Rig(
    asFilter(oneToOne('plain', [DEVICE, OFFSET, MODE]), { altitude: '100' }),
    asFilter(oneToOne('keeps', [DEVICE, OFFSET, MODE]), { altitude: '110', keepsData: true }),
    asFilter(oneToOne('nooffset', [DEVICE, MODE]), { altitude: '120' }),
    asFilter(oneToOne('last', [MODE, DEVICE, { ...MODE, name: 'between' }, OFFSET]), { altitude: '130' }),
  );
  disk = rig.disks.add('a', 64);
  disk.data.set(stamped('a', 0, 64));
});

afterEach(() => rig.finish());

describe('a target as a filter', () => {
  it('works on the device it is attached to, and shows its arguments without device and offset', async () => {
    const shown: string[] = [];
    for (const spec of ['plain on', 'keeps on', 'nooffset on', 'last on off'])
      shown.push((await rig.engine.attachFilter('disk:a', spec)).args);
    expect(shown).toEqual(['on', 'on', 'on', 'on off']);
    expect(stampAt(read(await rig.open('disk:a'), 5).buffer)).toBe('a5');
  });

  it('sees completions through its own frames, and may take, kill and answer bios', async () => {
    let upwards = 0;
    parts = (port) => ({
      map: (bio) => {
        if (bio.sector === 1) return MapResult.Kill;
        if (bio.sector === 2) return MapResult.Requeue;
        if (bio.sector === 3) {
          bio.complete(Status.NoData);
          return MapResult.Submitted;
        }
        bio.watch({
          endIo: () => {
            upwards++;
            return EndResult.Done;
          },
        });
        bio.port = port;
        return MapResult.Remapped;
      },
    });
    await rig.engine.attachFilter('disk:a', 'plain x');
    const port = await rig.open('disk:a');
    expect([0, 1, 2, 3].map((sector) => read(port, sector).status)).toEqual([
      Status.Ok,
      Status.Io,
      Status.Io,
      Status.NoData,
    ]);
    expect(upwards).toBe(1);
  });

  it('gets bios cut where it wants them, and only operations it wants', async () => {
    const pieces: string[] = [];
    parts = (port) => ({
      maxIo: 8,
      flushCopies: 0,
      discardCopies: 0,
      writeZeroesCopies: 0,
      map: (bio) => {
        pieces.push(bio.toString());
        bio.port = port;
        return bio.sector === 16 ? MapResult.Requeue : MapResult.Remapped;
      },
    });
    await rig.engine.attachFilter('disk:a', 'plain x');
    const port = await rig.open('disk:a');
    expect(stampAt((await port.read(4, 9)).subarray(8 * 512))).toBe('a12');
    expect(pieces).toEqual(['read 4+4', 'read 8+5']);
    await expect(port.read(15, 3)).rejects.toMatchObject({ code: 'EIO' });
    await expect(port.discard(0, 1)).rejects.toMatchObject({ code: 'ENOTSUP' });
    await expect(port.writeZeroes(0, 1)).rejects.toMatchObject({ code: 'ENOTSUP' });
    await port.flush();
    expect(disk.seen.at(-1)).toMatch(/^flush/);
  });

  it('that maps elsewhere has broken the contract', async () => {
    parts = (port) => ({
      map: (bio) => {
        bio.port = port;
        bio.sector += 8;
        return MapResult.Remapped;
      },
    });
    await rig.engine.attachFilter('disk:a', 'plain x');
    expect(write(await rig.open('disk:a'), 0).status).toBe(Status.Io);
    expect(rig.faults[0]).toContain('filter plain@100 on a: as a filter, a target must map each sector');
  });

  it('passes on limits, status, messages, suspends and its end', async () => {
    const calls: string[] = [];
    parts = () => ({
      limits: (below) => ({ ...below, ioOpt: 4096 }),
      status: () => 'well',
      message: (words) => words.join(' '),
      presuspend: () => void calls.push('presuspend'),
      resume: () => void calls.push('resume'),
      close: () => void calls.push('close'),
    });
    expect((await rig.engine.attachFilter('disk:a', 'plain x')).status).toBe('well');
    parts = () => ({});
    await rig.engine.attachFilter('disk:a', 'keeps x');
    expect(rig.device('a').limits.ioOpt).toBe(4096);
    expect(await rig.engine.messageFilter('disk:a', 'plain', ['a', 'b'])).toBe('a b');
    await expect(rig.engine.messageFilter('disk:a', 'keeps', ['a'])).rejects.toMatchObject({
      code: 'ENOTTY',
    });
    expect((await rig.engine.filters('disk:a'))[0]?.status).toBe('');
    await rig.engine.detachFilter('disk:a', 'plain');
    expect(calls).toEqual(['resume', 'presuspend', 'resume', 'presuspend', 'close']);
  });

  it('shows holes below it only if it leaves data as they are', async () => {
    disk.extents = async (sector, count) => [{ sector, count, hole: true, zero: true }];
    await rig.engine.attachFilter('disk:a', 'keeps x');
    expect((await rig.engine.extents('disk:a', 0, 8))[0]?.hole).toBe(true);
    await rig.engine.attachFilter('disk:a', 'plain x');
    expect((await rig.engine.extents('disk:a', 0, 8))[0]?.hole).toBe(false);
  });

  it('needs a parameter for the device it is on', () => {
    expect(() => asFilter(oneToOne('bare', [MODE]), { altitude: '1' })).toThrow(TypeError);
    expect(() => asFilter(spanType('named'), { altitude: '1', device: 'dev', offset: 'start' })).toThrow(
      TypeError,
    );
  });
});
