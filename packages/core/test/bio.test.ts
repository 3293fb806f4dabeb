import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bio, EndResult, type Frame, MapResult, Status } from '../src/index.ts';
import { stampAt, stamped, type TestDisk } from './support/disks.ts';
import { spanType } from './support/plugins.ts';
import { read, Rig, write } from './support/rig.ts';

/** A frame that writes down how it was called. */
function noting(
  log: string[],
  name: string,
  change: (bio: Bio) => EndResult | undefined = () => undefined,
): Frame {
  return {
    endIo: (bio, cookie) => {
      log.push(`${name} ${bio.toString()} cookie ${String(cookie)} status ${String(bio.status)}`);
      return change(bio) ?? EndResult.Done;
    },
  };
}

describe('frames', () => {
  let rig: Rig;
  let disk: TestDisk;
  let log: string[];
  let frames: Frame[];

  beforeEach(() => {
    log = [];
    frames = [];
    rig = new Rig(
      spanType('watching', (port) => ({
        map: (bio) => {
          for (const [index, frame] of frames.entries()) {
            bio.watch(frame, index * 10);
            bio.sector += 8;
          }
          bio.port = port;
          return MapResult.Remapped;
        },
      })),
    );
    disk = rig.disks.add('a', 1024);
    disk.data.set(stamped('a', 0, 1024));
  });

  afterEach(() => rig.finish());

  it('unwind from the last to the first, each with its sector and cookie', async () => {
    frames = [noting(log, 'first'), noting(log, 'second')];
    await rig.engine.create('m', { table: '0 64 watching disk:a 0' });
    const sent = read(await rig.open('m'), 3, 1);
    expect(log).toEqual(['second read 11+1 cookie 10 status 0', 'first read 3+1 cookie 0 status 0']);
    expect(stampAt(sent.buffer)).toBe('a19');
    expect(sent.bio.depth).toBe(0);
  });

  it('may change the status, and those above see the change', async () => {
    frames = [
      noting(log, 'upper'),
      noting(log, 'lower', (bio) => {
        bio.status = Status.Ilseq;
        return undefined;
      }),
    ];
    await rig.engine.create('m', { table: '0 64 watching disk:a 0' });
    expect(read(await rig.open('m'), 0).status).toBe(Status.Ilseq);
    expect(log.at(-1)).toContain('upper read 0+1 cookie 0 status 84');
  });

  it('may take a bio back and send it again: a retry', async () => {
    let tries = 0;
    const retry: Frame = {
      endIo: (bio) => {
        if (bio.status === Status.Ok) return EndResult.Done;
        disk.status = ++tries < 3 ? Status.Io : Status.Ok;
        bio.reopen();
        bio.watch(retry);
        bio.port!.forward(bio);
        return EndResult.Incomplete;
      },
    };
    frames = [noting(log, 'above'), retry];
    disk.status = Status.Io;
    await rig.engine.create('m', { table: '0 64 watching disk:a 0' });
    const sent = read(await rig.open('m'), 0);
    expect(sent).toMatchObject({ status: Status.Ok, ends: 1 });
    expect(tries).toBe(3);
    expect(log).toHaveLength(1);
  });

  it('may keep a bio and complete it later', async () => {
    let kept: Bio | null = null;
    frames = [
      {
        endIo: (bio) => {
          bio.reopen();
          kept = bio;
          return EndResult.Incomplete;
        },
      },
    ];
    await rig.engine.create('m', { table: '0 64 watching disk:a 0' });
    const sent = read(await rig.open('m'), 0);
    expect(sent.status).toBeNull();
    kept!.complete(Status.NoData);
    expect(sent.status).toBe(Status.NoData);
  });
});

describe('a failed read', () => {
  let rig: Rig;

  beforeEach(() => {
    rig = new Rig();
  });

  afterEach(() => rig.finish());

  it('leaves zeroes in its window, and what lies around as it was', async () => {
    const disk = rig.disks.add('a', 64);
    disk.onSubmit = (bio) => {
      bio.buffer.fill(0xee, bio.bufferOffset, bio.bufferOffset + 100);
      bio.complete(Status.Io);
      return MapResult.Submitted;
    };
    const buffer = new Uint8Array(2048).fill(0xa5);
    expect(read(await rig.open('disk:a'), 0, 2, { buffer, offset: 512 }).status).toBe(Status.Io);
    expect(buffer.subarray(0, 512).every((byte) => byte === 0xa5)).toBe(true);
    expect(buffer.subarray(512, 1536).every((byte) => byte === 0)).toBe(true);
    expect(buffer.subarray(1536).every((byte) => byte === 0xa5)).toBe(true);
  });

  it('is a refused one too', async () => {
    rig.disks.add('a', 64);
    const buffer = new Uint8Array(512).fill(0xa5);
    expect(read(await rig.open('disk:a'), 64, 1, { buffer }).status).toBe(Status.Inval);
    expect(buffer.every((byte) => byte === 0)).toBe(true);
  });

  it('is not a failed write: its data stays the writer’s', async () => {
    rig.disks.add('a', 64).status = Status.NoSpc;
    const buffer = new Uint8Array(512).fill(0xa5);
    expect(write(await rig.open('disk:a'), 0, 1, { buffer }).status).toBe(Status.NoSpc);
    expect(buffer.every((byte) => byte === 0xa5)).toBe(true);
  });
});

describe('a bio on its own', () => {
  it('names itself', () => {
    const bio = new Bio();
    bio.sector = 8;
    bio.count = 16;
    expect(bio.toString()).toBe('read 8+16');
    bio.op = 9 as never;
    expect(bio.toString()).toBe('9 8+16');
  });

  it('that nobody submitted cannot be completed', () => {
    const bio = new Bio();
    let ends = 0;
    bio.end = () => ends++;
    bio.complete(Status.Ok);
    expect([ends, bio.status]).toEqual([0, Status.Idle]);
  });
});
