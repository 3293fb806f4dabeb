import { Random } from '@interposer/conformance';
import { expect, it } from 'vitest';
import { type Fixture, serve } from './fixture.ts';
import { makeSession } from './fuzz-sessions.ts';
import { RawClient } from './raw-client.ts';
import { isLeak, SecretExport } from './secret.ts';

/** Messages sent in a run; INTERPOSER_FUZZ=1000000 for a long one. */
const CASES = Number(process.env.INTERPOSER_FUZZ ?? 20_000);
const SEED = Number(process.env.INTERPOSER_FUZZ_SEED ?? 1);
const PER_SESSION = 60;
const AT_A_TIME = 8;
const MIB = 2 ** 20;

/** Plays a session; answers how many messages it had. */
async function play(fixture: Fixture, random: Random): Promise<number> {
  const { bytes, messages } = makeSession(random, 1 + random.below(2 * PER_SESSION));
  const client = new RawClient(fixture.path);
  client.socket.removeAllListeners('data');
  client.socket.on('data', (piece: Buffer) => {
    if (isLeak(piece)) throw new Error('bytes of another export were in a reply');
  });
  const cut = random.chance(0.3) ? random.below(bytes.length + 1) : bytes.length;
  client.send(bytes.subarray(0, cut));
  if (cut < bytes.length) await turn();
  client.send(bytes.subarray(cut));
  // Most say that nothing more will come, and have to be let go by the server; others vanish in the middle.
  if (random.chance(0.8)) {
    client.socket.end();
    await client.closed;
  } else {
    await Promise.race([client.closed, turn()]);
  }
  client.close();
  return messages;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

it(`${CASES} broken and random messages, seed ${SEED}: the server lives, leaks nothing, and its memory is bounded`, async () => {
  const random = new Random(SEED);
  const fixture = await serve({ device: 'ram:1M', maxBufferedBytes: MIB });
  const witness = await fixture.client();
  const secrets = await SecretExport.add(fixture);
  await secrets.spread();
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  let sent = 0;
  let opened = 0;
  let violations = 0;
  for (let round = 0; sent < CASES; round++) {
    const sessions = Array.from({ length: AT_A_TIME }, () => play(fixture, random));
    if (round % 8 === 0) await secrets.spread();
    for (const messages of await Promise.all(sessions)) sent += messages;
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    expect((await witness.readAt(0, 4096)).length).toBe(4096);
    for (const { kind, message } of fixture.events.splice(0)) {
      if (kind === 'fault') throw new Error(message);
      if (kind === 'opened') opened++;
      if (kind === 'violation') violations++;
    }
  }
  // Not all of it was turned away at the door: a good part came as far as the requests.
  expect(opened).toBeGreaterThan(sent / PER_SESSION / 3);
  expect(violations).toBeGreaterThan(sent / PER_SESSION / 5);
  expect(most).toBeLessThan(256 * MIB);
  const fresh = await fixture.client();
  expect((await fresh.readAt(0, 4096)).length).toBe(4096);
}, 1_800_000);
