import { readFileSync } from 'node:fs';
import process from 'node:process';
import { createEngine, type Port } from '@interposer/core';
import { nbd } from '@interposer/device-nbd';

// A store of numbered records on a disk: the first sector says how many there are, each of the next ones holds one. A record
// is stored when it is said so, also after a power cut. `careless` forgets that a disk may write in any order; `unflushed`
// writes one record and leaves it at that.

const SECTOR = 512;

function sectorOf(text: string): Uint8Array {
  const sector = Buffer.alloc(SECTOR);
  sector.write(text);
  return sector;
}

async function store(disk: Port, careless: boolean, records: number): Promise<void> {
  for (let number = 1; number <= records; number++) {
    await disk.write(number, sectorOf(`record ${String(number)}`));
    if (!careless) await disk.flush();
    await disk.write(0, sectorOf(String(number)));
    await disk.flush();
    console.log(`stored ${String(number)}`);
  }
}

async function leaveUnflushed(disk: Port): Promise<void> {
  await disk.write(1, sectorOf('record 1'));
  console.log('written 1');
}

/** The same as a check. */
async function verify(disk: Port): Promise<void> {
  const field = async (sector: number): Promise<string> =>
    Buffer.from(await disk.read(sector, 1))
      .toString()
      .replace(/\0+$/, '');
  const count = Number(await field(0));
  const promised = readFileSync(process.env.INTERPOSER_PROMISES!, 'utf8').split('\n').length - 1;
  if (count < promised) throw new Error(`${String(promised)} promised, ${String(count)} there`);
  for (let number = 1; number <= count; number++) {
    if ((await field(number)) !== `record ${String(number)}`) {
      throw new Error(`record ${String(number)} is not there`);
    }
  }
}

const [mode = '', records = '0'] = process.argv.slice(2);
const engine = createEngine({ types: [nbd] });
const disk = await engine.open(process.env.INTERPOSER_URI!);
try {
  if (mode === 'verify') await verify(disk);
  else if (mode === 'unflushed') await leaveUnflushed(disk);
  else await store(disk, mode === 'careless', Number(records));
} finally {
  disk.close();
  await engine.close();
}
