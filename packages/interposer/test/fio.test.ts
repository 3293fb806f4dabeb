import { readFileSync, statSync } from 'node:fs';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { peer } from '../../../tools/peers.ts';
import { program, useWorld } from './world.ts';

const world = useWorld();
const SECONDS = Number(process.env.INTERPOSER_FIO_SECONDS ?? '5');
const JOBS = 4;
const JOB_SIZE = 64 * 2 ** 20;

interface FioReport {
  readonly jobs: readonly { readonly error: number; readonly write: { readonly total_ios: number } }[];
}

describe.skipIf(!peer('fio', 'qemu-img'))('fio over four connections', () => {
  it(
    `finds what it wrote for ${String(SECONDS)} s, and export and image are the same afterwards`,
    async () => {
      const image = world.image('fio.img', JOBS * JOB_SIZE);
      const sectors = statSync(image).size / 512;
      const uri = `nbd+unix:///disk?socket=${world.path('fio.sock')}`;
      await world.ok('create', 'disk', '--table', `0 ${String(sectors)} linear ${image} 0`);
      await world.ok('export', 'add', 'disk', '--unix', world.path('fio.sock'));
      await program(
        'fio',
        '--name=verify',
        '--ioengine=nbd',
        `--uri=${uri}`,
        '--rw=randwrite',
        '--bsrange=4k-1M',
        '--iodepth=16',
        '--serialize_overlap=1',
        '--verify=crc32c',
        '--verify_backlog=128',
        '--verify_fatal=1',
        '--verify_state_save=0',
        `--numjobs=${String(JOBS)}`,
        `--size=${String(JOB_SIZE)}`,
        `--offset_increment=${String(JOB_SIZE)}`,
        '--time_based',
        `--runtime=${String(SECONDS)}`,
        '--output-format=json',
        `--output=${world.path('fio.json')}`,
      );
      const report = JSON.parse(readFileSync(world.path('fio.json'), 'utf8')) as FioReport;
      expect(report.jobs.length).toBe(JOBS);
      for (const job of report.jobs) {
        expect(job.error).toBe(0);
        expect(job.write.total_ios).toBeGreaterThan(0);
      }
      await world.ok('flush', 'disk');
      expect(await program('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', uri, image)).toContain(
        'Images are identical.',
      );
    },
    (SECONDS + 120) * 1000,
  );
});
