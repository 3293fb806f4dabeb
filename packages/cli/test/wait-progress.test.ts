import { defineTarget, type Progress } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { activityText, ActivityDisplay } from '../src/activity-display.ts';
import { Options } from '../src/command-line.ts';
import type { Command } from '../src/verb.ts';
import { PLUGINS, Workbench } from './in-process.ts';
import { tempDirectory } from './temp.ts';

const directory = tempDirectory();

/** A target that tells one step after the other of how far it is, and stays at the last. */
function busy(steps: readonly Progress[]): Workbench {
  const left = [...steps];
  const type = defineTarget({
    name: 'busy',
    version: [1, 0, 0],
    ops: 0,
    params: [],
    create: async () => ({
      map: () => {
        throw new Error('nobody reads it');
      },
      areas: () => [],
      table: () => '',
      progress: () => (left.length > 1 ? left.shift()! : left[0]!),
    }),
  });
  return new Workbench(directory, [...PLUGINS, { package: 'busy', version: '1', types: [type] }]);
}

function step(done: number, failure?: string): Progress {
  return { activity: 'resync', done, total: 200, ...(failure === undefined ? {} : { failure }) };
}

describe('wait --progress', () => {
  it('tells how far it is until it is over', async () => {
    const bench = busy([0, 10, 19, 20, 25, 100, 200].map((done) => step(done)));
    await bench.ok('create', 'mirror', '--table', '0 8 busy');
    const { code, stdout, stderr } = await bench.run(['wait', '--progress', 'mirror']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr.split('\n')).toEqual([
      'mirror: resync 0 %, 0.0 of 0.1 MiB',
      'mirror: resync 10 %, 0.0 of 0.1 MiB',
      'mirror: resync 50 %, 0.0 of 0.1 MiB',
      'mirror: resync 100 %, 0.1 of 0.1 MiB',
      '',
    ]);
    expect(bench.pauses).toHaveLength(6);
  });

  it('tells of all rows together, in JSON', async () => {
    const bench = busy([0, 0, 100, 0, 200, 200].map((done) => step(done)));
    await bench.ok('create', 'mirror', '--table', '0 8 busy\n8 8 busy');
    const lines = (await bench.ok('wait', '--progress', '--json', 'mirror')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { device: 'mirror', activity: 'resync', done: 0, total: 400 },
      { device: 'mirror', activity: 'resync', done: 100, total: 400 },
      { device: 'mirror', activity: 'resync', done: 400, total: 400 },
    ]);
  });

  it('fails with the reason where it does not go on', async () => {
    const bench = busy([step(20), step(30, 'no leg is left')]);
    await bench.ok('create', 'mirror', '--table', '0 8 busy');
    const { code, stderr } = await bench.run(['wait', '--progress', 'mirror']);
    expect({ code, last: stderr.split('\n').at(-2) }).toEqual({
      code: 1,
      last: 'interposer: EIO: the resync of mirror does not go on: no leg is left',
    });
  });

  it('is over at once where nothing is done', async () => {
    const bench = busy([]);
    await bench.ok('create', 'disk', '--table', '0 8 zero');
    expect(await bench.run(['wait', '--progress', 'disk'])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect((await bench.run(['wait', '--progress', 'nosuch'])).code).toBe(1);
    expect((await bench.run(['wait', '--progress'])).stderr).toContain('No device specified.');
  });
});

describe('the bar', () => {
  it('stands on one line of a terminal, and goes', () => {
    const written: string[] = [];
    const stderr = { write: (text: string) => written.push(text), isTTY: true, columns: 40 };
    const command = { around: { stderr }, options: new Options() } as unknown as Command;
    const display = new ActivityDisplay(command, 'mirror');
    display.update(step(50));
    display.update(step(100));
    display.end();
    expect(written).toEqual([
      '\r\u001b[K[####............] resync 25 %, 0.0 of ',
      '\r\u001b[K[########........] resync 50 %, 0.0 of ',
      '\r\u001b[K',
    ]);
  });

  it('says 100 % only at the end', () => {
    const [activity, total] = ['merge', 2 ** 21];
    expect(activityText({ activity, done: total - 1, total })).toBe('merge 99 %, 1024.0 of 1024.0 MiB');
    expect(activityText({ activity, done: 0, total: 0 })).toBe('merge 100 %, 0.0 of 0.0 MiB');
  });
});
