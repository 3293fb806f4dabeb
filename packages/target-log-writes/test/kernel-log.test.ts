import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { memoryDriver } from '@interposer/conformance';
import { BioFlag, createEngine, type Engine, SECTOR_SIZE } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { stamp } from '../../conformance/test/kernel/disk.ts';
import { LogFlag, readLog, readLogHeader, replay } from '@interposer/write-log';
import { logWrites } from '../src/index.ts';

type Step =
  | readonly [op: 'write' | 'write_fua', sector: number, count: number, letter: string]
  | readonly [op: 'discard', sector: number, count: number]
  | readonly [op: 'mark', text: string]
  | readonly [op: 'fsync'];

interface Workload {
  readonly block: number;
  readonly stamp: string;
  readonly status: string;
  readonly steps: readonly Step[];
}

const FOLDER = new URL('../../conformance/vectors/log-writes/', import.meta.url);
const SECTORS = 512;
const LOG_SECTORS = 2048;

const { workloads } = JSON.parse(readFileSync(new URL('workloads.json', FOLDER), 'utf8')) as {
  workloads: Workload[];
};

function recorded(file: string): Buffer {
  return gunzipSync(readFileSync(new URL(file, FOLDER)));
}

function stamps(letter: string, sector: number, count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => stamp(letter, sector + index)));
}

/** An engine with the disks `main` and `log`, as they were before. */
function bench({ block, stamp: letter }: Workload) {
  const driver = memoryDriver();
  const main = driver.add('main', {
    sectors: SECTORS,
    limits: { logicalBlock: block, physicalBlock: block },
  });
  const log = driver.add('log', { sectors: LOG_SECTORS });
  main.data.set(stamps(letter, 0, SECTORS));
  return { main, log, engine: createEngine({ types: [logWrites, driver] }) };
}

async function perform(engine: Engine, step: Step): Promise<void> {
  switch (step[0]) {
    case 'mark':
      await engine.message('x', 0, ['mark', step[1]]);
      break;
    case 'fsync':
      await engine.flush('x');
      break;
    case 'discard':
      await engine.discard('x', step[1], step[2]);
      break;
    default: {
      const [op, sector, count, letter] = step;
      const port = await engine.open('x', { claim: 'noexcl' });
      await port.write(sector, stamps(letter, sector, count), op === 'write' ? 0 : BioFlag.Fua);
      // RWF_DSYNC ends with a flush, whatever the device can do.
      if (op === 'write_fua') await port.flush();
      port.close();
    }
  }
}

/** Where two differ first, for a message that can be read. */
function firstDifference(ours: Uint8Array, kernels: Uint8Array): string | undefined {
  if (ours.length !== kernels.length) return `${String(ours.length)} bytes`;
  const at = ours.findIndex((byte, index) => byte !== kernels[index]);
  return at < 0 ? undefined : `sector ${String(at / SECTOR_SIZE)}`;
}

describe.each(workloads)('a device with blocks of $block bytes', (workload) => {
  const kernelLog = recorded(`block-${String(workload.block)}.log.gz`);
  const kernelMain = recorded(`block-${String(workload.block)}.main.gz`);

  it('the same requests leave the same log as in the kernel, byte for byte', async () => {
    const { engine, main, log } = bench(workload);
    await engine.create('x', { table: `0 ${String(SECTORS)} log-writes memory:main memory:log` });
    for (const step of workload.steps) await perform(engine, step);
    const [row] = await engine.status('x');
    expect(row?.params).toBe(workload.status);
    await engine.remove('x');
    expect(firstDifference(log.data, kernelLog)).toBeUndefined();
    expect(firstDifference(main.data, kernelMain)).toBeUndefined();
    await engine.close();
  });

  it('the log of the kernel replays to the image of the kernel', async () => {
    const { engine, main, log } = bench(workload);
    log.data.set(kernelLog);
    const [from, to] = [await engine.open('memory:log', { mode: 'read' }), await engine.open('memory:main')];
    expect(await replay(from, to)).toBe((await readLogHeader(from)).entries);
    expect(firstDifference(main.data, kernelMain)).toBeUndefined();
    from.close();
    to.close();
    await engine.close();
  });

  it('the log of the kernel reads as what was asked for', async () => {
    const { engine, log } = bench(workload);
    log.data.set(kernelLog);
    const port = await engine.open('memory:log', { mode: 'read' });
    const found: Record<string, number> = {};
    for await (const { flags, sector, count, data, mark } of readLog(port)) {
      const kind = Object.entries(LogFlag).find(([, flag]) => flag === flags)?.[0] ?? 'Write';
      found[kind] = (found[kind] ?? 0) + 1;
      expect(data.length).toBe(kind === 'Write' || kind === 'Fua' ? count * SECTOR_SIZE : 0);
      if (data.length === 0) continue;
      const step = workload.steps.find(
        (one) => one[0].startsWith('write') && one[1] === sector && one[2] === count,
      );
      expect(step, `${String(sector)}+${String(count)}`).toBeDefined();
      expect(mark).toBeUndefined();
    }
    const asked = (...ops: Step[0][]): number => workload.steps.filter(([op]) => ops.includes(op)).length;
    expect(found).toEqual({
      Write: asked('write'),
      Fua: asked('write_fua'),
      Flush: asked('fsync', 'write_fua'),
      Discard: asked('discard'),
      Mark: asked('mark') + 1,
    });
    port.close();
    await engine.close();
  });
});
