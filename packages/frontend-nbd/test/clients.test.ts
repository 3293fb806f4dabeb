import { VirtualClock } from '@interposer/conformance';
import { BioOp } from '@interposer/core';
import { NbdCommand } from '@interposer/nbd-protocol';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import type { ChunkClient } from './chunk-client.ts';
import { later } from '../../../tools/temporary.ts';
import { type Fixture, pattern, serve, until } from './fixture.ts';
import { RawClient } from './raw-client.ts';

const { Read, Write, Flush } = NbdCommand;
const KIB = 1024;
const MIB = 2 ** 20;

/** Bad clients of each of three kinds. */
const EACH = 330;
const GOOD = 10;
/** What each good client gets done while all others hang. */
const REQUESTS = 120;
/** Each good client has a range of the device. */
const RANGE = 64 * KIB;
const BUFFERED = 256 * KIB;

/** Opened a few at a time: the queue of a socket that listens is not endless. */
async function openMany(count: number, open: () => Promise<RawClient>): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  while (clients.length < count) {
    const some = Math.min(50, count - clients.length);
    clients.push(...(await Promise.all(Array.from({ length: some }, open))));
  }
  return clients;
}

/** Asks for far more than it may have at a time, and reads none of it. */
async function openStalled(fixture: Fixture): Promise<RawClient> {
  const client = await fixture.client();
  client.socket.pause();
  client.send(Buffer.concat(Array.from({ length: 100 }, () => RawClient.frame(Read, 0, RANGE))));
  return client;
}

/** Sends a write of its own a byte at a time. */
class SlowClient {
  readonly client: RawClient;
  readonly #frame = Buffer.concat([RawClient.frame(Write, 0, RANGE), Buffer.alloc(RANGE)]);
  #sent = 0;

  constructor(client: RawClient) {
    this.client = client;
  }

  send(): void {
    this.client.send(this.#frame.subarray(this.#sent, ++this.#sent));
  }
}

/** Comes, sends the better part of a request, and is gone. */
async function comeAndGo(fixture: Fixture): Promise<void> {
  const client = new RawClient(fixture.path);
  await client.go();
  client.send(RawClient.frame(Read, 0, RANGE));
  client.send(Buffer.concat([RawClient.frame(Write, 0, RANGE), pattern(10_000)]));
  client.close();
}

/** Writes, reads back, and flushes now and then. */
async function work(client: ChunkClient, index: number, done: () => void): Promise<void> {
  const offset = (index + 1) * RANGE;
  for (let i = 0; i < REQUESTS; i += 4) {
    const data = pattern(4 * KIB, index * 1000 + i);
    const at = offset + (i % 16) * 4 * KIB;
    expect((await client.put(at, data)).error).toBe(0);
    expect((await client.get(at, data.length)).data.equals(data)).toBe(true);
    expect((await client.ask({ command: Flush })).error).toBe(0);
    expect((await client.get(offset, RANGE)).error).toBe(0);
    done();
  }
}

function memory(): number {
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

it(`${String(3 * EACH)} slow, stalled and vanishing clients: the others are served, and what is in flight at the end is kept`, async () => {
  const clock = new VirtualClock();
  const disk = { sectors: (2 * MIB) / 512, volatile: true };
  const fixture = await serve({ clock, disk, maxBufferedBytes: BUFFERED });
  const before = memory();
  const slow = (await openMany(EACH, () => fixture.client())).map((client) => new SlowClient(client));
  await openMany(EACH, () => openStalled(fixture));
  const good = await Promise.all(Array.from({ length: GOOD }, () => fixture.checked('structured')));

  let vanished = 0;
  let most = 0;
  const step = (): void => {
    for (const client of slow) client.send();
    most = Math.max(most, memory() - before);
  };
  const vanishing = (async () => {
    for (; vanished < EACH; vanished += 10) {
      await Promise.all(Array.from({ length: 10 }, () => comeAndGo(fixture)));
    }
  })();
  let rounds = 0;
  await Promise.all(
    good.map((client, index) =>
      work(client, index, () => {
        if (rounds++ % GOOD === 0) step();
      }),
    ),
  );
  await vanishing;
  expect(rounds).toBe((GOOD * REQUESTS) / 4);
  // Each connection may hold what it is allowed to, one request more, and what it reads into and lays out replies in.
  expect(most).toBeLessThan(2 * EACH * (BUFFERED + RANGE + 512 * KIB));
  await until(() => fixture.server.exports[0]!.connections === 2 * EACH + GOOD);

  // The end, with writes and flushes in flight, and all the bad ones still there.
  fixture.disk!.hold();
  const writes = good.map((client, index) => client.put((index + 1) * RANGE, pattern(RANGE, index)));
  await until(() => fixture.disk!.held.length === GOOD);
  let closed = false;
  const closing = fixture.server.close().then(() => (closed = true));
  fixture.disk!.release();
  for (const { error } of await Promise.all(writes)) expect(error).toBe(0);
  await Promise.all(good.map((client) => client.closed));
  await until(() => fixture.server.exports[0]!.connections === 2 * EACH);
  expect(closed).toBe(false);
  clock.advance(9999);
  expect(closed).toBe(false);
  clock.advance(1);
  await closing;
  expect(fixture.events.filter(({ kind }) => kind === 'fault')).toEqual([]);
  for (let index = 0; index < GOOD; index++) {
    const start = (index + 1) * RANGE;
    expect(Buffer.from(fixture.disk!.data.subarray(start, start + RANGE)).equals(pattern(RANGE, index))).toBe(
      true,
    );
  }
});

it('writes and flushes that are in flight when the server closes are durable when it has closed', async () => {
  const clock = new VirtualClock();
  const fixture = await serve({ clock, disk: { volatile: true } });
  const { disk } = fixture;
  const clients = await Promise.all(
    (['simple', 'structured', 'extended'] as const).map((dialect) => fixture.checked(dialect)),
  );
  const vanishing = await fixture.client();
  disk!.hold();
  const answers = clients.flatMap((client, index) => [
    client.put(index * 64 * KIB, pattern(40 * KIB, index), 1),
    client.put(index * 64 * KIB + 40 * KIB + 7, pattern(777, index), 1),
  ]);
  void vanishing.write(512 * KIB, pattern(4096), 1);
  await until(() => disk!.held.length === 7);
  vanishing.close();
  const closing = fixture.server.close();
  // What comes too late is refused, and nothing of it is done.
  const late = await Promise.all(clients.map((client) => client.put(0, pattern(512, 99))));
  expect(late.map(({ error }) => error)).toEqual([108, 108, 108]);
  disk!.release();
  for (const { error } of await Promise.all(answers)) expect(error).toBe(0);
  await closing;
  expect(clock.pending).toBe(0);
  disk!.cutPower();
  for (const [index] of clients.entries()) {
    const start = index * 64 * KIB;
    const stored = Buffer.from(disk!.data.subarray(start, start + 64 * KIB));
    expect(stored.subarray(0, 40 * KIB).equals(pattern(40 * KIB, index))).toBe(true);
    expect(stored.subarray(40 * KIB + 7, 40 * KIB + 784).equals(pattern(777, index))).toBe(true);
  }
  // Nobody waited for this one, and it is kept all the same.
  expect(Buffer.from(disk!.data.subarray(512 * KIB, 516 * KIB)).equals(pattern(4096))).toBe(true);
});

it('a flush in flight when the server closes is answered only when it is done', async () => {
  const fixture = await serve({ disk: { volatile: true } });
  const client = await fixture.checked('extended');
  await client.put(0, pattern(8192));
  fixture.disk!.hold((bio) => bio.op === BioOp.Flush);
  const flush = client.ask({ command: Flush });
  await until(() => fixture.disk!.held.length === 1);
  const closing = fixture.server.close();
  fixture.disk!.release();
  expect((await flush).error).toBe(0);
  await closing;
  fixture.disk!.cutPower();
  expect(Buffer.from(fixture.disk!.data.subarray(0, 8192)).equals(pattern(8192))).toBe(true);
});

it('clients that never say a word are let go when the server closes', async () => {
  const clock = new VirtualClock();
  const fixture = await serve({ clock });
  const sockets = Array.from({ length: 50 }, () => connect({ path: fixture.path }));
  later(() => sockets.forEach((socket) => socket.destroy()));
  const ended = sockets.map((socket) => new Promise((resolve) => socket.resume().on('close', resolve)));
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('data', resolve))));
  await fixture.server.close();
  await Promise.all(ended);
  expect(clock.pending).toBe(0);
});
