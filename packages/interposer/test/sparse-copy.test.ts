import { Random } from '@interposer/conformance';
import { createHash } from 'node:crypto';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { createInterposer, NbdServer, type Port } from '../src/index.ts';
import { program } from './world.ts';

const folder = mkdtempSync(join(tmpdir(), 'interposer-sparse-'));
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const SIZE = 100 * GIB;
/** Pieces of data in the image, each of a MiB. */
const PIECES = 100;

/** A run of the image as both tools tell it. */
interface Run {
  readonly start: number;
  readonly length: number;
  readonly data: boolean;
}

/** Where the data lie, in order; some of them touch. */
function places(): number[] {
  const random = new Random(6);
  const slots = new Set<number>([0, 1, SIZE / MIB - 1]);
  while (slots.size < PIECES) slots.add(random.below(SIZE / MIB));
  return [...slots].sort((a, b) => a - b).map((slot) => slot * MIB);
}

const PLACES = places();

function pieceAt(index: number): Buffer {
  const bytes = Buffer.alloc(MIB);
  for (let at = 0; at < MIB; at += 4)
    bytes.writeUInt32BE((Math.imul(index * MIB + at, 0x9e3779b1) | 1) >>> 0, at);
  return bytes;
}

/** The runs that the image must have. */
function runs(): Run[] {
  const found: Run[] = [];
  let at = 0;
  for (const start of PLACES) {
    const last = found.at(-1);
    if (last?.data === true && start === at) found[found.length - 1] = { ...last, length: last.length + MIB };
    else {
      if (start > at) found.push({ start: at, length: start - at, data: false });
      found.push({ start, length: MIB, data: true });
    }
    at = start + MIB;
  }
  return at < SIZE ? [...found, { start: at, length: SIZE - at, data: false }] : found;
}

function digests(path: string): string[] {
  const file = openSync(path, 'r');
  const piece = Buffer.alloc(MIB);
  const found = PLACES.map((start) => {
    readSync(file, piece, 0, MIB, start);
    return createHash('sha256').update(piece).digest('hex');
  });
  closeSync(file);
  return found;
}

/** A socket that hands everything on to another and counts what comes back. */
class CountingProxy {
  received = 0;
  connections = 0;
  readonly #server: Server;

  constructor(from: string, to: string) {
    this.#server = createServer((client) => {
      this.connections++;
      const server = connect({ path: to });
      server.on('data', (piece) => (this.received += piece.length));
      client.pipe(server).pipe(client);
      client.on('error', () => server.destroy());
      server.on('error', () => client.destroy());
    });
    this.#server.listen(from);
    onTestFinished(() => void this.#server.close());
  }
}

const uriOf = (path: string): string => `nbd+unix:///sparse?socket=${path}`;

describe.skipIf(!peer('nbdcopy', 'nbdinfo', 'qemu-img'))(
  'a sparse image of 100 GiB with 100 MiB of data',
  () => {
    const image = join(folder, 'sparse.img');
    const socket = join(folder, 'sparse.sock');
    const uri = uriOf(socket);
    const engine = createInterposer();
    const server = new NbdServer();
    let port: Port;

    beforeAll(async () => {
      writeFileSync(image, '');
      truncateSync(image, SIZE);
      const file = openSync(image, 'r+');
      PLACES.forEach((start, index) => writeSync(file, pieceAt(index), 0, MIB, start));
      closeSync(file);
      await engine.create('sparse', { table: `0 ${String(SIZE / 512)} linear ${image} 0` });
      port = await engine.open('sparse');
      server.addExport({ name: 'sparse', port });
      await server.listen({ path: socket });
    });

    afterAll(async () => {
      await server.close();
      port.close();
      await engine.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** The copy is as large as the image, has the same data, and takes no more room. */
    async function expectCopy(copy: string): Promise<void> {
      expect(statSync(copy).size).toBe(SIZE);
      expect(digests(copy)).toEqual(digests(image));
      expect(statSync(copy).blocks * 512).toBeLessThan((PIECES + 8) * MIB);
      // It looks at all of both, holes too.
      expect(await program('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', image, copy)).toContain(
        'identical',
      );
    }

    it('nbdcopy transfers the data and little more', async () => {
      const proxy = new CountingProxy(join(folder, 'counted.sock'), socket);
      const copy = join(folder, 'copied.img');
      await program('nbdcopy', uriOf(join(folder, 'counted.sock')), copy);
      expect(proxy.connections).toBeGreaterThan(0);
      expect(proxy.received).toBeGreaterThan(PIECES * MIB);
      expect(proxy.received).toBeLessThan((PIECES + 1) * MIB);
      await expectCopy(copy);
    });

    it('qemu-img convert transfers the data and little more', async () => {
      const proxy = new CountingProxy(join(folder, 'converted.sock'), socket);
      const copy = join(folder, 'converted.img');
      await program('qemu-img', 'convert', '-O', 'raw', uriOf(join(folder, 'converted.sock')), copy);
      expect(proxy.received).toBeGreaterThan(PIECES * MIB);
      expect(proxy.received).toBeLessThan((PIECES + 1) * MIB);
      await expectCopy(copy);
    });

    it('nbdinfo and qemu-img tell the same data and holes as the file has', async () => {
      const map = JSON.parse(await program('nbdinfo', '--map', '--json', uri)) as {
        offset: number;
        length: number;
        type: number;
      }[];
      const told = map.map(({ offset, length, type }) => ({ start: offset, length, data: type === 0 }));
      expect(told).toEqual(runs());
      for (const place of [uri, image]) {
        const json = await program('qemu-img', 'map', '--output=json', '-f', 'raw', place);
        const found = JSON.parse(json) as Run[];
        expect(found.map(({ start, length, data }) => ({ start, length, data }))).toEqual(runs());
      }
    });
  },
);
