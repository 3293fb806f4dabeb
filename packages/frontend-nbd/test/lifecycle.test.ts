import { VirtualClock } from '@interposer/conformance';
import { Status } from '@interposer/core';
import { NbdCommand, NbdError } from '@interposer/nbd-protocol';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NbdServer } from '../src/index.ts';
import { later, temporaryFolder } from '../../../tools/temporary.ts';
import { pattern, serve, until } from './fixture.ts';
import { RawClient } from './raw-client.ts';

const { Read } = NbdCommand;

function emptyServer(): NbdServer {
  const server = new NbdServer();
  later(() => server.close());
  return server;
}

describe('sockets', () => {
  it('a socket file is its owner’s only, and gone after close', async () => {
    const { server, path } = await serve();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await server.close();
    expect(existsSync(path)).toBe(false);
  });

  it('a socket where a server listens is busy, and left alone', async () => {
    const fixture = await serve();
    await expect(emptyServer().listen({ path: fixture.path })).rejects.toMatchObject({ code: 'EBUSY' });
    await fixture.client();
  });

  it('a socket that a dead server left is replaced', async () => {
    const path = join(await temporaryFolder(), 'stale.sock');
    const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', program]);
    expect(existsSync(path)).toBe(true);
    expect(await emptyServer().listen({ path })).toEqual({ path });
  });

  it('a file that is no socket is not touched', async () => {
    const path = join(await temporaryFolder(), 'file');
    writeFileSync(path, 'precious');
    await expect(emptyServer().listen({ path })).rejects.toMatchObject({ code: 'EBUSY' });
    expect(statSync(path).size).toBe(8);
  });

  it('a path that cannot be has a clear error', async () => {
    const path = join(await temporaryFolder(), 'no/such/folder');
    await expect(emptyServer().listen({ path })).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('a path that is too long is refused, and no socket is left at its beginning', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'x'.repeat(107));
    await expect(emptyServer().listen({ path })).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringMatching(/at most 107 bytes/) as string,
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('TCP: any free port of this machine by default, and a port in use is busy', async () => {
    const { server } = await serve();
    const address = await server.listen({ port: 0 });
    if (!('port' in address)) throw new Error('no port');
    expect(address.host).toBe('127.0.0.1');
    const socket = connect(address.port, address.host);
    later(() => socket.destroy());
    const greeting = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    expect(greeting.toString('latin1', 0, 8)).toBe('NBDMAGIC');
    await expect(emptyServer().listen({ port: address.port })).rejects.toMatchObject({ code: 'EBUSY' });
  });
});

describe('exports', () => {
  it('are listed with their connections', async () => {
    const fixture = await serve({ exported: { name: 'a', description: 'first', readOnly: true } });
    const state = { name: 'a', description: 'first', readOnly: true };
    expect(fixture.server.exports).toEqual([{ ...state, connections: 0 }]);
    const client = await fixture.client('a');
    expect(fixture.server.exports).toEqual([{ ...state, connections: 1 }]);
    client.close();
    await until(() => fixture.server.exports[0]!.connections === 0);
  });

  it('a name that is taken, one that cannot be sent, one that is not there', async () => {
    const { server, port } = await serve();
    expect(() => server.addExport({ name: '', port })).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    expect(() => server.addExport({ name: 'a\0b', port })).toThrow(
      expect.objectContaining({ code: 'EINVAL' }),
    );
    expect(() => server.addExport({ name: 'x'.repeat(5000), port })).toThrow(
      expect.objectContaining({ code: 'EINVAL' }),
    );
    await expect(server.removeExport('other')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('removing one answers what is under way, refuses what comes, and leaves others alone', async () => {
    const fixture = await serve({ exported: { name: 'a' } });
    const { disk, server, port } = fixture;
    server.addExport({ name: 'b', port });
    const [one, other] = [await fixture.client('a'), await fixture.client('b')];
    disk!.hold();
    const before = one.write(0, pattern(512));
    await until(() => disk!.held.length === 1);
    const removed = server.removeExport('a');
    const after = await one.request(Read, 0, 512).then(
      ({ error }) => error,
      () => -1,
    );
    disk!.release();
    await removed;
    // The refusal is sent with the answer to what was under way, or the connection has ended.
    expect([NbdError.Shutdown, -1]).toContain(after);
    expect((await before).error).toBe(0);
    await one.closed;
    expect((await other.readAt(0, 512)).equals(pattern(512))).toBe(true);
    await expect(fixture.client('a')).rejects.toThrow(/no export/);
    expect(port.isOpen).toBe(true);
  });
});

describe('close', () => {
  it('finishes and answers what is under way', async () => {
    const fixture = await serve();
    const { disk, server } = fixture;
    const clients = await Promise.all(Array.from({ length: 8 }, () => fixture.client()));
    const idle = fixture.connect();
    await idle.greet();
    disk!.hold();
    const writes = clients.map((client, i) => client.write(i * 512, pattern(512, i)));
    await until(() => disk!.held.length === 8);
    const closed = server.close();
    disk!.release();
    await closed;
    for (const write of writes) expect((await write).error).toBe(0);
    for (const client of [...clients, idle]) await client.closed;
    expect((await fixture.port.read(7, 1)).every((byte, i) => byte === pattern(512, 7)[i])).toBe(true);
    expect(fixture.port.isOpen).toBe(true);
    await expect(server.listen({ path: `${fixture.path}2` })).rejects.toMatchObject({ code: 'ESHUTDOWN' });
  });

  it('does not wait for ever for a device that does not answer', async () => {
    const clock = new VirtualClock();
    const fixture = await serve({ clock });
    const client = await fixture.client();
    fixture.disk!.hold();
    const read = client.request(Read, 0, 512);
    await until(() => fixture.disk!.held.length === 1);
    const closed = fixture.server.close();
    clock.advance(10_000);
    await closed;
    expect((await read).error).toBe(-1);
    // The device answers at last: nobody is there, and nothing happens.
    fixture.disk!.release();
  });

  it('does not wait for ever for a client that does not read', async () => {
    const clock = new VirtualClock();
    const fixture = await serve({ clock, device: 'ram:8M' });
    const client = await fixture.client();
    client.socket.pause();
    for (let i = 0; i < 20; i++) client.send(RawClient.frame(Read, 0, 2 ** 20));
    await until(() => client.socket.writableLength === 0);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    const closed = fixture.server.close();
    clock.advance(10_000);
    await closed;
  });
});

describe('clients that vanish', () => {
  it('an end without DISC finishes what is under way', async () => {
    const fixture = await serve();
    const client = await fixture.client();
    fixture.disk!.hold();
    const read = client.request(Read, 0, 512);
    await until(() => fixture.disk!.held.length === 1);
    client.socket.end();
    fixture.disk!.release();
    expect((await read).error).toBe(0);
    await until(() => fixture.events.at(-1)!.kind === 'closed');
  });

  it('in the middle of a write: nothing of it reaches the device', async () => {
    const fixture = await serve();
    const client = await fixture.client();
    client.send(Buffer.concat([RawClient.frame(NbdCommand.Write, 0, 4096), pattern(1000)]));
    client.socket.end();
    await until(() => fixture.events.at(-1)!.kind === 'closed');
    expect(fixture.disk!.requests).toBe(0);
    expect(fixture.server.exports[0]!.connections).toBe(0);
  });

  it('with requests that fail or succeed after it has gone', async () => {
    const fixture = await serve();
    for (const status of [Status.Ok, Status.Io]) {
      const client = await fixture.client();
      fixture.disk!.hold();
      if (status !== Status.Ok) fixture.disk!.fail(status, { times: 4 });
      for (let i = 0; i < 4; i++) client.send(RawClient.frame(Read, 0, 65536));
      await until(() => fixture.disk!.held.length === 4);
      client.close();
      fixture.disk!.release();
      await until(() => fixture.server.exports[0]!.connections === 0);
      fixture.disk!.heal();
    }
    const next = await fixture.client();
    expect((await next.readAt(0, 512)).length).toBe(512);
  });
});
