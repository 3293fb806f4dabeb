import { VirtualClock } from '@interposer/conformance';
import { encodeOption, NbdCommand, NbdOption } from '@interposer/nbd-protocol';
import { describe, expect, it } from 'vitest';
import { pattern, serve, until } from './fixture.ts';
import { RawClient } from './raw-client.ts';

const MIB = 2 ** 20;

/** Lets everything that can happen by itself happen: two hundred turns of the event loop. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('time', () => {
  it('a client that chooses no export in time is cut off', async () => {
    const clock = new VirtualClock();
    const fixture = await serve({ clock, handshakeTimeout: 5000 });
    const idle = fixture.connect();
    await idle.greet();
    const quick = await fixture.client();
    clock.advance(4999);
    expect((await idle.option(NbdOption.List)).length).toBe(2);
    clock.advance(1);
    await idle.closed;
    expect(fixture.events.at(-1)).toMatchObject({ kind: 'closed', connection: 1 });
    // Once in transmission there is no hurry.
    clock.advance(1_000_000);
    expect((await quick.readAt(0, 512)).length).toBe(512);
    expect(clock.pending).toBe(0);
  });
});

describe('connections', () => {
  it('one too many is closed at once, and there is room again when another has gone', async () => {
    const fixture = await serve({ maxConnections: 2 });
    const first = await fixture.client();
    const second = await fixture.client();
    const third = fixture.connect();
    await third.closed;
    expect(fixture.events.at(-1)).toMatchObject({ kind: 'refused', connection: 3 });
    first.close();
    await until(() => fixture.server.exports[0]!.connections === 1);
    await fixture.client();
    expect((await second.readAt(0, 512)).length).toBe(512);
  });
});

describe('memory', () => {
  it('of a client that does not read its replies only so many requests are taken', async () => {
    const fixture = await serve({ device: 'ram:8M', maxBufferedBytes: 4 * MIB });
    const stalled = await fixture.client();
    stalled.socket.pause();
    const before = process.memoryUsage().arrayBuffers;
    // Two gigabytes of replies are asked for.
    for (let i = 0; i < 2000; i++) stalled.send(RawClient.frame(NbdCommand.Read, 0, MIB));
    await settle();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MIB);
    // Others are served meanwhile.
    const other = await fixture.client();
    expect((await other.write(0, pattern(4096))).error).toBe(0);
  });

  it('the bound holds for requests without data too', async () => {
    const fixture = await serve({ maxBufferedBytes: 2 * MIB });
    const client = await fixture.client();
    fixture.disk!.hold();
    const flushes = Buffer.concat(
      Array.from({ length: 20_000 }, () => RawClient.frame(NbdCommand.Flush, 0, 0)),
    );
    client.send(flushes);
    await settle();
    expect(fixture.disk!.held.length).toBeGreaterThan(100);
    expect(fixture.disk!.held.length).toBeLessThan(2048);
    fixture.disk!.release();
    expect((await client.read(20_000 * 16)).length).toBe(320_000);
  });

  it('a client that was stopped gets every reply when it reads again', async () => {
    const fixture = await serve({ device: 'ram:8M', maxBufferedBytes: MIB });
    const client = await fixture.client();
    const data = pattern(4096);
    await client.write(0, data);
    client.socket.pause();
    const reads = Array.from({ length: 3000 }, () => client.readAt(0, 4096));
    await settle();
    client.socket.resume();
    for (const read of await Promise.all(reads)) expect(read.equals(data)).toBe(true);
  });

  it('of a client that does not read what it negotiates only so many options are answered', async () => {
    const description = 'x'.repeat(4000);
    const fixture = await serve({ exported: { description } });
    const client = fixture.connect();
    await client.greet();
    client.socket.pause();
    const before = process.memoryUsage().arrayBuffers;
    const options = 20_000;
    client.send(Buffer.concat(Array.from({ length: options }, () => encodeOption(NbdOption.List))));
    await settle();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MIB);
    // All come when they are read: 24 bytes and the description, and an ACK of 20, each time.
    let received = 0;
    client.socket.removeAllListeners('data').on('data', (piece: Buffer) => (received += piece.length));
    client.socket.resume();
    await until(() => received === options * (24 + 4000 + 20));
  });
});
