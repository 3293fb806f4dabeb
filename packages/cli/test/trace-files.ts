import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BioFlag,
  type Clock,
  createEngine,
  defineDriver,
  type DriverType,
  makeLimits,
  MapResult,
  type Port,
  Status,
} from '@interposer/core';
import { trace } from '@interposer/filter-trace';

let time = 1000;
const clock: Clock = { now: () => time, after: () => ({ cancel: () => undefined }) };

/** Takes a microsecond and a quarter for a sector, ten for a flush; sector 13 is bad. */
const slow: DriverType = defineDriver({
  name: 'slow',
  version: [1, 0, 0],
  schemes: ['slow'],
  major: 1,
  identify: async () => 'slow',
  open: async () => ({
    limits: makeLimits(2048),
    submit: (bio) => {
      time += bio.count === 0 ? 0.01 : bio.count * 0.001_25;
      bio.complete(bio.sector <= 13 && bio.sector + bio.count > 13 ? Status.Io : Status.Ok);
      return MapResult.Submitted;
    },
    close: async () => undefined,
  }),
});

/** Makes a trace, of that name, of what is done to a port. Answers its path. */
export async function record(
  directory: string,
  name: string,
  options: string,
  work: (port: Port) => Promise<unknown>,
): Promise<string> {
  const path = join(directory, name);
  const engine = createEngine({ types: [slow, trace], clock });
  const port = await engine.open('slow:');
  await engine.attachFilter(port.device.number, `trace ${path} ${options}`);
  await work(port);
  await engine.detachFilter(port.device.number, 'trace');
  port.close();
  await engine.close();
  return path;
}

/** Reads of 8 sectors, each so many sectors behind the one before; behind sector 2000 they start over. */
export async function reads(port: Port, count: number, stride = 8): Promise<void> {
  for (let i = 0; i < count; i++) await port.read(((i * stride) % 2000) + 16, 8);
}

/** Makes a trace with one record of each kind, `few.trace`. */
export async function recordFew(directory: string): Promise<void> {
  const path = await record(directory, 'few.trace', '', async (port) => {
    await port.write(0, new Uint8Array(4096), BioFlag.Fua);
    time += 1500;
    await port.read(8, 8).catch(() => undefined);
    await port.flush();
    await port.discard(0, 2048).catch(() => undefined);
    await port.writeZeroes(100, 1, BioFlag.NoUnmap);
  });
  const bytes = readFileSync(path);
  // As if the device were deeper and an error had no name.
  bytes.writeUInt16LE(133, bytes.length - 48 + 4);
  bytes.writeUInt16LE(32, bytes.length - 48 + 6);
  // The trace began when a test cannot know.
  bytes.writeBigUInt64LE(BigInt(Date.UTC(2026, 0, 2, 3, 4, 5, 6)), 16);
  // A gap of seven.
  const gap = Buffer.alloc(48);
  gap.writeUInt8(2, 0);
  gap.writeBigUInt64LE(2_000_000_000n, 16);
  gap.writeBigUInt64LE(5000n, 24);
  gap.writeBigUInt64LE(7n, 40);
  writeFileSync(path, Buffer.concat([bytes, gap]));
}
