import { Random } from '@interposer/conformance';
import { encodeInfoRequest, encodeOption, NbdCommand, NbdOption } from '@interposer/nbd-protocol';
import { expect, it } from 'vitest';
import { type Fixture, pattern, serve } from './fixture.ts';
import { RawClient } from './raw-client.ts';

/** Messages sent in a run; INTERPOSER_FUZZ=100000 for a long one. */
const CASES = Number(process.env.INTERPOSER_FUZZ ?? 4000);
const PER_CONNECTION = 25;
const SEED = Number(process.env.INTERPOSER_FUZZ_SEED ?? 1);

const FLAGS = Buffer.from([0, 0, 0, 3]);
const GO = encodeOption(NbdOption.Go, encodeInfoRequest({ name: '', types: [0, 1, 2, 3] }));

function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

/** Some bytes changed, cut out, doubled or put in. */
function mutate(random: Random, message: Buffer): Buffer {
  let bytes = Buffer.from(message);
  for (let edits = random.below(4); edits >= 0 && bytes.length > 0; edits--) {
    const at = random.below(bytes.length);
    const kind = random.below(6);
    if (kind < 3) bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
    else if (kind === 3)
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(4))]);
    else if (kind === 4)
      bytes = Buffer.concat([bytes.subarray(0, at), randomBytes(random, 3), bytes.subarray(at)]);
    else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(at + 1))]);
  }
  return bytes;
}

function option(random: Random): Buffer {
  const data = random.pick([
    Buffer.alloc(0),
    encodeInfoRequest({ name: random.pick(['', 'x', 'name/ü']), types: [3, 1] }),
    randomBytes(random, random.below(80)),
  ]);
  return encodeOption(random.pick([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, random.below(2 ** 32)]), data);
}

function request(random: Random): Buffer {
  const length = random.pick([0, 1, 511, 512, 513, 4096, 65536, 2 ** 20, 2 ** 32 - 1, random.below(10_000)]);
  const offset = random.pick([
    0,
    1,
    512,
    4096,
    2 ** 20,
    2 ** 20 - 512,
    2 ** 32,
    2 ** 53 - 1,
    random.below(2 ** 21),
  ]);
  const flags = random.chance(0.7) ? 0 : random.pick([1, 2, 4, 8, 16, 32, 3, 0xffff]);
  const type = random.pick([0, 0, 1, 1, 1, 2, 3, 4, 5, 6, 6, 7, 8, random.below(65536)]);
  const frame = RawClient.frame(type, offset, length, flags, random.below(2 ** 32));
  return type === NbdCommand.Write && length < 70_000 ? Buffer.concat([frame, pattern(length)]) : frame;
}

/** A session that is well formed up to a point, broken somewhere, or noise from the start. */
function session(random: Random): Buffer[] {
  const kind = random.below(4);
  const pieces: Buffer[] = kind === 0 ? [randomBytes(random, 64)] : [FLAGS];
  for (let i = 0; i < PER_CONNECTION; i++) {
    if (kind <= 1) pieces.push(option(random));
    else pieces.push(i === 0 ? GO : request(random));
  }
  return pieces.map((piece) => (random.chance(kind === 3 ? 0.3 : 0.05) ? mutate(random, piece) : piece));
}

async function play(fixture: Fixture, random: Random): Promise<void> {
  const client = new RawClient(fixture.path);
  client.socket.resume();
  for (const piece of session(random)) {
    const cut = random.chance(0.2) ? random.below(piece.length + 1) : piece.length;
    client.send(piece.subarray(0, cut));
    if (cut < piece.length) await new Promise((resolve) => setImmediate(resolve));
    client.send(piece.subarray(cut));
  }
  if (random.chance(0.5)) client.socket.end();
  await Promise.race([client.closed, new Promise((resolve) => setImmediate(() => setImmediate(resolve)))]);
  client.close();
}

it(`${CASES} broken and random messages, seed ${SEED}: the server lives, and its memory is bounded`, async () => {
  const random = new Random(SEED);
  const fixture = await serve({ device: 'ram:1M', maxBufferedBytes: 2 ** 20 });
  const witness = await fixture.client();
  const before = process.memoryUsage().arrayBuffers;
  for (let sent = 0; sent < CASES; sent += 8 * PER_CONNECTION) {
    await Promise.all(Array.from({ length: 8 }, () => play(fixture, random)));
    expect((await witness.readAt(0, 4096)).length).toBe(4096);
  }
  const count = (kind: string): number => fixture.events.filter((event) => event.kind === kind).length;
  expect(fixture.events.filter(({ kind }) => kind === 'fault')).toEqual([]);
  // Not all of it was turned away at the door: a good part came as far as the requests.
  expect(count('opened')).toBeGreaterThan(CASES / PER_CONNECTION / 5);
  expect(count('violation')).toBeGreaterThan(CASES / PER_CONNECTION / 5);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(256 * 2 ** 20);
}, 600_000);
