import { BioFlag, createEngine, type Port, SECTOR_SIZE, systemClock } from '@interposer/core';
import { TransmissionFlag } from '@interposer/nbd-protocol';
import { checkSector, Random, stampSector } from '@interposer/conformance';
import { truncate, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { nbd } from '../src/index.ts';
import { ALL_FLAGS } from './fake-server.ts';
import { cleanups, cleanUp } from './opened.ts';
import { folder, keepServing } from './peer-server.ts';
import { VolatileServer } from './volatile-server.ts';

afterEach(cleanUp);

const SECTORS = 2048;
const DEPTH = 16;
const CUTS = Number(process.env.INTERPOSER_CUTS ?? 10);

/**
 * Stands between a client and a server, and cuts. Nobody is let through again before the server has closed its end: until then
 * it may go on with what it had received, against which no client can do anything.
 */
class Proxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #waiting: (() => void)[] = [];
  #leaving = 0;
  connections = 0;

  constructor(to: string) {
    this.#server = createServer((near) => {
      near.on('error', () => undefined);
      if (this.#leaving === 0) this.#join(near, to);
      else this.#waiting.push(() => this.#join(near, to));
    });
  }

  async listen(path: string): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(path, resolve));
    cleanups.push(() => {
      this.cut();
      return new Promise((resolve) => this.#server.close(resolve));
    });
  }

  cut(): void {
    for (const [near] of this.#pairs) near.destroy();
  }

  #join(near: Socket, to: string): void {
    const far = connect({ path: to });
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    this.connections++;
    far.on('error', () => undefined);
    near.pipe(far);
    far.pipe(near);
    near.on('close', () => {
      if (!this.#pairs.delete(pair) || far.closed) return;
      this.#leaving++;
      far.on('close', () => {
        if (--this.#leaving === 0) for (const join of this.#waiting.splice(0)) join();
      });
      // What it still sends goes nowhere; its end comes when it is through.
      far.unpipe(near);
      far.resume();
      far.end();
    });
    far.on('close', () => near.destroy());
  }
}

/** Writers, each with sectors of its own, which know what they wrote and what of it must be there. */
class Load {
  /** Per sector: the last write that was answered. */
  readonly #answered: number[] = new Array<number>(SECTORS).fill(0);
  readonly #port: Port;
  readonly #random: Random;
  #sequence = 0;
  #stopped = false;
  operations = 0;

  constructor(port: Port, random: Random) {
    this.#port = port;
    this.#random = random;
  }

  /** One of those that run at a time. */
  async writer(number: number): Promise<void> {
    const [first, share] = [number * (SECTORS / DEPTH), SECTORS / DEPTH];
    while (!this.#stopped) {
      const count = this.#random.pick([1, 8, 8, 64]);
      const sector = first + this.#random.below(share - count);
      const dice = this.#random.next();
      if (dice < 0.1) await this.#port.flush();
      else if (dice < 0.4) await this.#check(sector, count);
      else await this.#write(sector, count, dice < 0.5 ? BioFlag.Fua : 0);
      this.operations++;
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Everything that was answered is there. */
  async checkAll(): Promise<void> {
    for (let sector = 0; sector < SECTORS; sector += 64) await this.#check(sector, 64);
  }

  async #write(sector: number, count: number, flags: number): Promise<void> {
    const sequence = ++this.#sequence;
    const data = Buffer.alloc(count * SECTOR_SIZE);
    for (let i = 0; i < count; i++) stampSector(data, i * SECTOR_SIZE, sector + i, sequence);
    await this.#port.write(sector, data, flags);
    this.#answered.fill(sequence, sector, sector + count);
  }

  async #check(sector: number, count: number): Promise<void> {
    const data = await this.#port.read(sector, count);
    for (let i = 0; i < count; i++) {
      const sequence = this.#answered[sector + i]!;
      const problem = sequence === 0 ? undefined : checkSector(data, i * SECTOR_SIZE, sector + i, sequence);
      if (problem !== undefined) throw new Error(problem);
    }
  }
}

interface Scene {
  readonly proxy: Proxy;
  readonly uri: string;
  /** Cuts, in one way or another. */
  readonly cut: () => void;
}

/** Runs the load while the connection is cut; then what was answered is there, seen by a client of its own. */
async function runCuts(seed: number, { proxy, uri, cut }: Scene): Promise<void> {
  const random = new Random(seed);
  const engine = createEngine({ types: [nbd], clock: systemClock });
  const log: string[] = [];
  engine.onEvent(({ message }) => log.push(message));
  const port = await engine.open(uri);
  const load = new Load(port, random);
  const writers = Promise.all(Array.from({ length: DEPTH }, (_, i) => load.writer(i)));
  // A writer that fails ends the test at once.
  const failed = writers.then(
    () => new Promise<never>(() => undefined),
    (error: unknown) => {
      throw new Error(`${String(error)}; told before: ${log.slice(-3).join('; ')}`);
    },
  );
  const restored = (): number => log.filter((line) => line.includes('connected again')).length;
  for (let cuts = 1; cuts <= CUTS; cuts++) {
    const due = load.operations + random.between(1, 300);
    await Promise.race([failed, until(() => load.operations >= due)]);
    cut();
    await Promise.race([failed, until(() => restored() >= cuts)]);
  }
  load.stop();
  await writers;
  await port.flush();
  await load.checkAll();
  expect(restored()).toBeGreaterThanOrEqual(CUTS);
  expect(proxy.connections).toBeGreaterThan(CUTS);
  port.close();
  await engine.close();
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

async function throughProxy(server: string, query: string): Promise<Omit<Scene, 'cut'>> {
  const proxy = new Proxy(server);
  const path = join(await folder(), 'proxy');
  await proxy.listen(path);
  return { proxy, uri: `nbd+unix:///?socket=${path}&reconnect=60${query}` };
}

/** nbdkit on a file. That of version 1.32 aborts once in a thousand cuts, so somebody has to start it again. */
async function nbdkit(...words: string[]): Promise<{ socket: string; kill: () => void }> {
  const place = await folder();
  const [socket, file] = [join(place, 's'), join(place, 'image')];
  await writeFile(file, '');
  await truncate(file, SECTORS * SECTOR_SIZE);
  return { socket, kill: await keepServing(socket, 'nbdkit', ...words, '-f', '-U', socket, 'file', file) };
}

describe.skipIf(!peer('nbdkit'))('nothing that was answered is lost', () => {
  it.each([
    ['simple replies', ['--no-sr'], ''],
    ['structured replies', [], ''],
    ['three connections', [], '&connections=3'],
  ])('by a cut under load, with %s', { timeout: 600_000 }, async (_, words, query) => {
    const { socket } = await nbdkit(...words);
    const scene = await throughProxy(socket, query);
    await runCuts(words.length + query.length, { ...scene, cut: () => scene.proxy.cut() });
  });

  it('by a kill of the server', { timeout: 600_000 }, async () => {
    const { socket, kill } = await nbdkit();
    await runCuts(7, { ...(await throughProxy(socket, '')), cut: kill });
  });
});

it.each([
  ['', ALL_FLAGS],
  [' and has no FUA', ALL_FLAGS & ~TransmissionFlag.SendFua],
])('nor by a server that loses its cache in a crash%s', { timeout: 600_000 }, async (_, flags) => {
  const server = await VolatileServer.start(SECTORS * SECTOR_SIZE, flags);
  cleanups.push(() => server.stop());
  const scene = await throughProxy(server.path, '');
  await runCuts(flags, { ...scene, cut: () => server.crash() });
  expect(server.crashes).toBe(CUTS);
});
