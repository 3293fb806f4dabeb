import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { type ChaosDisk, chaosDriver } from '@interposer/conformance';
import { createEngine, type Engine, type InterposerError, SECTOR_SIZE } from '@interposer/core';
import { stats } from '@interposer/filter-stats';
import { crypt } from '@interposer/target-crypt';
import { integrity } from '@interposer/target-integrity';
import { linear } from '@interposer/target-linear';
import { striped } from '@interposer/target-striped';
import { describe, expect, it } from 'vitest';
import { later } from '../../../tools/temporary.ts';

/** What is said of all of them in packages/target-integrity/test/README.md. */
interface Recorded {
  readonly name: string;
  readonly sectors: number;
  readonly integrity: string;
  readonly crypt: string;
  readonly image: string;
}

interface Journal extends Recorded {
  readonly reads: readonly string[];
}

const DISK_SECTORS = 2048;

function vectors(name: string): unknown {
  const url = new URL(`../../target-integrity/test/vectors/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8'));
}

const { disks } = vectors('disks') as { disks: readonly Recorded[] };
const { journals } = vectors('journals') as { journals: readonly Journal[] };
const authenc = disks.find(({ name }) => name === 'authenc')!;
const gcm = disks.find(({ name }) => name === 'gcm')!;

function clearSectors(first: number, count: number): Buffer {
  const pieces = Array.from({ length: count * 16 }, (_, piece) =>
    createHash('sha256')
      .update(`${String(first + Math.floor(piece / 16))}:${String(piece % 16)}`)
      .digest(),
  );
  return Buffer.concat(pieces);
}

function digest(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex').slice(0, 12);
}

interface Stand {
  readonly engine: Engine;
  readonly disk: ChaosDisk;
  readonly log: string[];
}

function makeStand(): Stand {
  const chaos = chaosDriver();
  const disk = chaos.add('a', { sectors: DISK_SECTORS });
  const log: string[] = [];
  const types = [chaos, crypt, integrity, linear, stats, striped];
  const engine = createEngine({ types });
  engine.onEvent((event) => {
    if (event.kind === 'log') log.push(event.message);
  });
  later(() => engine.close());
  return { engine, disk, log };
}

function put(disk: ChaosDisk, image: string): void {
  disk.data.set(inflateRawSync(Buffer.from(image, 'base64')));
}

async function below({ engine }: Stand, one: Recorded): Promise<void> {
  const { sectors, integrity: args } = one;
  await engine.create('below', { table: `0 ${String(sectors)} ${args.replace('$DISK', 'chaos:a')}` });
}

async function stack(stand: Stand, one: Recorded, device = 'below'): Promise<void> {
  if (device === 'below') await below(stand, one);
  const line = one.crypt.replace('$BELOW', device);
  await stand.engine.create('clear', { table: `0 ${String(one.sectors)} ${line}` });
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const { code, message } = error as InterposerError;
  return `${code} ${message}`;
}

describe('crypt over integrity, as the kernel has it', () => {
  it.each(disks)('reads what the kernel wrote: $name', async (one) => {
    const stand = makeStand();
    put(stand.disk, one.image);
    await stack(stand, one);
    expect(clearSectors(0, 8).equals(await stand.engine.read('clear', 0, 8))).toBe(true);
    expect(clearSectors(64, 16).equals(await stand.engine.read('clear', 248, 16))).toBe(true);
  });

  it.each(disks)('writes what the kernel reads: $name', async (one) => {
    const stand = makeStand();
    await stack(stand, one);
    await stand.engine.write('clear', 0, clearSectors(0, 8));
    await stand.engine.write('clear', 248, clearSectors(64, 16));
    expect(clearSectors(64, 16).equals(await stand.engine.read('clear', 248, 16))).toBe(true);
    await stand.engine.remove('clear');
    await stand.engine.remove('below');
    const written = Buffer.from(stand.disk.data);
    const recorded = inflateRawSync(Buffer.from(one.image, 'base64'));
    // IVs that are random differ, and all that comes of them; where they lie does not.
    if (one.crypt.includes('random')) expect(layoutOf(written)).toEqual(layoutOf(recorded));
    else expect(written.equals(recorded)).toBe(true);
  });

  it.each(journals)('sees what a journal holds: $name', async (one) => {
    const stand = makeStand();
    put(stand.disk, one.image);
    await stack(stand, one);
    const block = one.crypt.includes('sector_size:4096') ? 8 : 1;
    const reads: string[] = [];
    for (let index = 0; index < 8; index++)
      reads.push(digest(await readFour(stand, index * 4 * block, block)));
    expect(reads).toEqual(one.reads);
  });
});

/** Four blocks, or as many as can be read. */
async function readFour({ engine }: Stand, sector: number, block: number): Promise<Buffer> {
  const blocks: Uint8Array[] = [];
  try {
    for (let index = 0; index < 4; index++)
      blocks.push(await engine.read('clear', sector + index * block, block));
  } catch {
    // The rest was never written.
  }
  return Buffer.concat(blocks);
}

/** Which pieces of 16 bytes are not zero. */
function layoutOf(data: Buffer): number[] {
  const found: number[] = [];
  for (let at = 0; at < data.length; at += 16)
    if (data.subarray(at, at + 16).some((byte) => byte !== 0)) found.push(at);
  return found;
}

describe('a sector that was changed', () => {
  it.each([authenc, gcm])('is an error, and nothing of it is seen: $name', async (one) => {
    const stand = makeStand();
    put(stand.disk, one.image);
    await stack(stand, one);
    const at = stand.disk.data.lastIndexOf(0xff);
    stand.disk.data[at]! ^= 1;
    const into = new Uint8Array(16 * SECTOR_SIZE).fill(1);
    const port = await stand.engine.open('clear', { claim: 'noexcl' });
    expect(await codeOf(port.read(248, 16, into))).toMatch(/^EILSEQ /);
    expect(into.every((byte) => byte === 0)).toBe(true);
    port.close();
    expect(stand.log.join('\n')).toMatch(/INTEGRITY AEAD ERROR, sector 2[456]\d/);
    // It fits again when it is written again.
    await stand.engine.write('clear', 248, clearSectors(64, 16));
    expect(clearSectors(64, 16).equals(await stand.engine.read('clear', 248, 16))).toBe(true);
  });

  it('is one that was never written, too', async () => {
    const stand = makeStand();
    await stack(stand, authenc);
    expect(await codeOf(stand.engine.read('clear', 100, 1))).toMatch(/^EILSEQ /);
  });

  it('is one that was moved, too', async () => {
    const stand = makeStand();
    await stack(stand, authenc);
    await stand.engine.write('clear', 0, clearSectors(0, 2));
    await stand.engine.suspend('below');
    const data = stand.disk.data;
    const tags = data.findIndex((byte, at) => at >= (8 + 88) * SECTOR_SIZE && byte !== 0);
    const first = (8 + 88 + 16) * SECTOR_SIZE;
    data.copyWithin(first + SECTOR_SIZE, first, first + SECTOR_SIZE);
    data.copyWithin(tags + 32, tags, tags + 32);
    await stand.engine.resume('below');
    expect(await codeOf(stand.engine.read('clear', 1, 1))).toMatch(/^EILSEQ /);
    expect(clearSectors(0, 1).equals(await stand.engine.read('clear', 0, 1))).toBe(true);
  });
});

describe('what is between the two', () => {
  it('is linear, which passes tags on', async () => {
    const stand = makeStand();
    await below(stand, authenc);
    await stand.engine.create('rows', { table: '0 1000 linear below 8\n1000 800 linear below 1016' });
    const one = { ...authenc, sectors: 1800 };
    await stack(stand, one, 'rows');
    await stand.engine.write('clear', 960, clearSectors(0, 80));
    expect(clearSectors(0, 80).equals(await stand.engine.read('clear', 960, 80))).toBe(true);
  });

  it('is nothing that does not', async () => {
    const stand = makeStand();
    await below(stand, authenc);
    await stand.engine.create('stripes', { table: '0 1024 striped 1 64 below 0' });
    const one = { ...authenc, sectors: 1024 };
    expect(await codeOf(stack(stand, one, 'stripes'))).toMatch(/EINVAL .*Integrity profile not supported/);
    expect(await codeOf(stack(stand, one, 'chaos:a'))).toMatch(/EBUSY|Integrity profile not supported/);
    expect(await codeOf(stand.engine.attachFilter('below', 'crypt aes-xts-plain64 00 0'))).not.toMatch(
      /ENOTSUP/,
    );
  });

  it('is of the size that is asked for', async () => {
    const stand = makeStand();
    await below(stand, authenc);
    const load = (options: string): Promise<string> => {
      const line = authenc.crypt.replace('$BELOW', 'below').replace(/1 integrity:.*$/, options);
      return codeOf(stand.engine.create('clear', { table: `0 64 ${line}` }));
    };
    expect(await load('1 integrity:40:aead')).toMatch(/^EINVAL .*Integrity profile tag size mismatch/);
    expect(await load('2 integrity:32:aead sector_size:4096')).toMatch(
      /^EINVAL .*(Integrity profile sector size mismatch|Invalid iv_offset)/,
    );
    expect(await load('1 integrity:32:none')).toMatch(/^ENOENT /);
    expect(await load('')).toMatch(/^ENOENT /);
  });
});
