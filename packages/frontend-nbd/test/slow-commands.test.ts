import { BioOp, Status } from '@interposer/core';
import { CommandFlag, NbdCommand, NbdError } from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import { pattern, serve, until } from './fixture.ts';

const { Read, Flush, Trim, Cache, WriteZeroes } = NbdCommand;
const MIB = 2 ** 20;
const DIALECTS = ['simple', 'structured', 'extended'] as const;

describe.each(DIALECTS)('CACHE, %s', (dialect) => {
  it('reads the range, and answers when it is read', async () => {
    const fixture = await serve({ disk: { sectors: 8192 } });
    const client = await fixture.checked(dialect);
    fixture.disk!.hold();
    let answered = false;
    const reply = client.ask({ command: Cache, offset: 512, length: 3 * MIB }).then((answer) => {
      answered = true;
      return answer;
    });
    const read: [number, number][] = [];
    for (let i = 0; i < 3; i++) {
      await until(() => fixture.disk!.held.length === 1);
      expect(answered).toBe(false);
      read.push([fixture.disk!.held[0]!.sector, fixture.disk!.held[0]!.count]);
      fixture.disk!.releaseOne();
    }
    expect(await reply).toMatchObject({ error: 0, data: Buffer.alloc(0) });
    expect(read).toEqual([
      [1, 2048],
      [2049, 2048],
      [4097, 2048],
    ]);
  });

  it('of any bytes reads the whole blocks around them', async () => {
    const fixture = await serve({ disk: { limits: { logicalBlock: 4096, physicalBlock: 4096 } } });
    const client = await fixture.checked(dialect);
    fixture.disk!.hold();
    const reply = client.ask({ command: Cache, offset: 4000, length: 200 });
    await until(() => fixture.disk!.held.length === 1);
    expect(fixture.disk!.held[0]).toMatchObject({ op: BioOp.Read, sector: 0, count: 16 });
    fixture.disk!.release();
    expect((await reply).error).toBe(0);
    expect((await client.ask({ command: Cache, offset: MIB - 1, length: 1 })).error).toBe(0);
  });

  it('that fails says so', async () => {
    const fixture = await serve();
    const client = await fixture.checked(dialect);
    fixture.disk!.fail(Status.Io, { op: BioOp.Read, times: 1 });
    expect((await client.ask({ command: Cache, length: 4096 })).error).toBe(NbdError.Io);
    expect((await client.ask({ command: Cache, length: 4096 })).error).toBe(0);
  });
});

describe('CACHE of a large range', () => {
  it('of a device that answers at once keeps nobody waiting, and ends when its client goes', async () => {
    const fixture = await serve({ device: 'ram:100T' });
    const client = await fixture.checked('extended');
    const other = await fixture.client();
    client.send(client.frame({ command: Cache, length: 100 * 2 ** 40 }));
    for (let i = 0; i < 10; i++) await other.readAt(0, 512);
    client.close();
    await until(() => fixture.server.exports[0]!.connections === 1);
  });

  it('does not hold up the end of the server', async () => {
    const fixture = await serve({ device: 'ram:100T' });
    const client = await fixture.checked('extended');
    const other = await fixture.client();
    const reply = client.ask({ command: Cache, length: 100 * 2 ** 40 });
    await other.readAt(0, 512);
    await fixture.server.close();
    expect((await reply).error).toBe(0);
    expect(fixture.events.filter(({ message }) => message.includes('too long'))).toEqual([]);
  });
});

describe.each(DIALECTS)('FAST_ZERO, %s', (dialect) => {
  it('where zeroing is not fast is refused at once, and changes nothing', async () => {
    const fixture = await serve({ disk: { limits: { fastZeroes: false } } });
    const client = await fixture.checked(dialect);
    await client.put(0, pattern(8192));
    const before = fixture.disk!.requests;
    for (const flags of [
      CommandFlag.FastZero,
      CommandFlag.FastZero | CommandFlag.NoHole,
      CommandFlag.FastZero | CommandFlag.Fua,
    ]) {
      for (const [offset, length] of [
        [0, 8192],
        [3, 100],
        [0, MIB],
      ] as const) {
        expect((await client.ask({ command: WriteZeroes, offset, length, flags })).error).toBe(
          NbdError.NotSup,
        );
      }
    }
    expect(fixture.disk!.requests).toBe(before);
    expect((await client.get(0, 8192)).data.equals(pattern(8192))).toBe(true);
    // Without the flag it is done, however long that takes.
    expect((await client.ask({ command: WriteZeroes, offset: 3, length: 4096 })).error).toBe(0);
    expect((await client.get(3, 4096)).data.equals(Buffer.alloc(4096))).toBe(true);
    // What is wrong anyhow is told as that.
    const fast = { command: WriteZeroes, flags: CommandFlag.FastZero };
    expect((await client.ask({ ...fast, offset: MIB, length: 512 })).error).toBe(NbdError.NoSpc);
  });

  it('where it is fast is done', async () => {
    const client = await (await serve({ device: 'ram:4M' })).checked(dialect);
    await client.put(0, pattern(8192));
    const fast = { command: WriteZeroes, flags: CommandFlag.FastZero };
    expect((await client.ask({ ...fast, offset: 0, length: 4096 })).error).toBe(0);
    expect((await client.get(0, 4096)).data.equals(Buffer.alloc(4096))).toBe(true);
    expect((await client.get(4096, 4096)).data.equals(pattern(8192).subarray(4096))).toBe(true);
  });

  it('plain zeroes are never ENOTSUP, whatever the device says', async () => {
    const fixture = await serve();
    const client = await fixture.checked(dialect);
    fixture.disk!.fail(Status.NotSup, { op: BioOp.WriteZeroes });
    for (const flags of [0, CommandFlag.NoHole]) {
      expect((await client.ask({ command: WriteZeroes, length: 4096, flags })).error).toBe(NbdError.Inval);
    }
  });
});

describe('maxRequests', () => {
  it('bounds what is in flight, and all is answered in the end', async () => {
    const fixture = await serve({ maxRequests: 10 });
    const client = await fixture.checked('extended');
    fixture.disk!.hold();
    const replies = Array.from({ length: 100 }, (_, i) => client.get(i * 512, 512));
    await until(() => fixture.disk!.held.length === 10);
    // Another connection has a bound of its own.
    const other = await fixture.checked('structured');
    const others = Array.from({ length: 30 }, () => other.put(0, pattern(512)));
    await until(() => fixture.disk!.held.length === 20);
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(fixture.disk!.held.length).toBe(20);
    fixture.disk!.release();
    for (const { error } of await Promise.all([...replies, ...others])) expect(error).toBe(0);
  });

  it('of one serves one after the other', async () => {
    const fixture = await serve({ maxRequests: 1, disk: { delay: 1 } });
    const client = await fixture.checked('structured', ['base:allocation']);
    const commands = [Read, Trim, Cache, WriteZeroes, NbdCommand.BlockStatus, Flush];
    const replies = Array.from({ length: 60 }, (_, i) => {
      const command = commands[i % commands.length]!;
      return client.ask(command === Flush ? { command } : { command, length: 4096 });
    });
    const write = client.put(0, pattern(300_000));
    for (const { error } of await Promise.all([...replies, write])) expect(error).toBe(0);
  });
});

describe('several connections', () => {
  it('a flush on one covers the writes that were answered on another', async () => {
    const fixture = await serve({ disk: { volatile: true } });
    const [one, other] = await Promise.all([fixture.checked('extended'), fixture.checked('structured')]);
    const data = pattern(64 * 1024);
    expect((await one.put(0, data)).error).toBe(0);
    expect((await one.ask({ command: WriteZeroes, offset: 4096, length: 512 })).error).toBe(0);
    fixture.disk!.hold((bio) => bio.op === BioOp.Flush);
    let flushed = false;
    const flush = other.ask({ command: Flush }).then(({ error }) => {
      flushed = true;
      return error;
    });
    await until(() => fixture.disk!.held.length === 1);
    // One that is not answered before the flush need not be covered, and is served while it lasts.
    expect((await one.put(128 * 1024, data)).error).toBe(0);
    expect(flushed).toBe(false);
    fixture.disk!.release();
    expect(await flush).toBe(0);
    fixture.disk!.cutPower();
    const expected = Buffer.from(data);
    expected.fill(0, 4096, 4608);
    expect((await one.get(0, data.length)).data.equals(expected)).toBe(true);
  });

  it('read what the other wrote as soon as that is answered', async () => {
    const fixture = await serve({ disk: { delay: 2, seed: 4 } });
    const [one, other] = await Promise.all([fixture.checked('simple'), fixture.checked('extended')]);
    for (let i = 0; i < 30; i++) {
      const data = pattern(3000, i);
      await one.put(i * 1000, data);
      expect((await other.get(i * 1000, data.length)).data.equals(data)).toBe(true);
    }
  });
});
