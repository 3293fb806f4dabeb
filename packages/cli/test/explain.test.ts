import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Workbench } from './in-process.ts';
import { makeImage, tempDirectory } from './temp.ts';

const directory = tempDirectory();
const image = join(directory, 'disk.img');
const HEADINGS = 'ALTITUDE  BIOS  NS/BIO  PATH';

async function covered(table: string): Promise<Workbench> {
  const bench = new Workbench(directory);
  makeImage(directory, 'disk.img', 64);
  await bench.ok('create', 'cover', '--table', table);
  await bench.ok('filter', 'attach', 'disk.img', 'error@250000');
  await bench.ok('filter', 'attach', 'disk.img', 'error@7.5');
  await bench.ok('remap', 'start', 'cover', 'disk.img');
  return bench;
}

describe('explain', () => {
  it('follows a remap and comes back below it', async () => {
    const bench = await covered('0 32 linear disk.img 32 noexcl\n32 32 linear disk.img 0 noexcl');
    expect(await bench.ok('explain', 'disk.img')).toBe(
      [
        HEADINGS,
        `             0          ${image} (7:0), 64 sectors`,
        '250000       0          |- error',
        '200000       0          `- remap cover',
        '             0             `- cover (254:0), 64 sectors',
        '             0                |- 0 32 linear 7:0 32',
        `                              |  \`- ${image} (7:0) below 200000`,
        '7.5          0                |     |- error',
        '                              |     `- driver file',
        '             0                `- 32 32 linear 7:0 0',
        `                                 \`- ${image} (7:0) below 200000, as above\n`,
      ].join('\n'),
    );
    expect(await bench.ok('explain', 'cover')).toBe(
      [
        HEADINGS,
        '             0          cover (254:0), 64 sectors',
        '             0          |- 0 32 linear 7:0 32',
        `             0          |  \`- ${image} (7:0) below 200000, 64 sectors`,
        '7.5          0          |     |- error',
        '                        |     `- driver file',
        '             0          `- 32 32 linear 7:0 0',
        `                           \`- ${image} (7:0) below 200000, as above\n`,
      ].join('\n'),
    );
    const path = JSON.parse(await bench.ok('explain', 'disk.img', '--json')) as object;
    expect(path).toEqual(await bench.host.engine.explain('7:0'));
    expect(path).toMatchObject({
      filters: [{}, { type: 'remap', others: [{ device: { name: 'cover' } }] }, {}],
    });
  });

  it('marks what a remap that does not come back leaves out', async () => {
    const bench = await covered('0 64 zero');
    expect((await bench.ok('explain', 'disk.img')).split('\n').slice(2)).toEqual([
      '250000       0          |- error',
      '200000       0          |- remap cover',
      '             0          |  `- cover (254:0), 64 sectors',
      '             0          |     `- 0 64 zero',
      '7.5          0          |- error, not reached',
      '                        `- driver file, not reached',
      '',
    ]);
  });

  it('counts, and tells the cost from a sample', async () => {
    const bench = new Workbench(directory);
    await bench.ok('create', 'd', '--table', '0 8 zero');
    await bench.ok('filter', 'attach', 'd', 'stats');
    const { engine } = bench.host;
    const port = await engine.open('d');
    expect((await bench.ok('explain', 'd')).split('\n')[2]).toBe('450000       0          |- stats areas=64');
    let bios = 0;
    // One call in some thousands is timed.
    while ((await engine.explain('d')).filters[0]?.counters.cost === undefined) {
      for (let left = 256; left > 0; left--, bios++) await port.read(0, 1);
    }
    const lines = (await bench.ok('explain', 'd')).split('\n');
    expect(lines[1]).toMatch(new RegExp(`^ +${String(bios)} +d \\(254:0\\), 8 sectors$`));
    expect(lines[2]).toMatch(new RegExp(`^450000 +${String(bios)} +\\d+ {2}\\|- stats areas=64$`));
    expect(lines[3]).toMatch(new RegExp(`^ +${String(bios)} +\\d+ {2}\`- 0 8 zero$`));
    port.close();
  });

  it('shows what waits inside, and a device without a table', async () => {
    const bench = new Workbench(directory);
    await bench.ok('create', 'd', '--table', '0 8 zero');
    await bench.ok('filter', 'attach', 'd', 'throttle iops=1 burst=1');
    const client = bench.connect();
    const port = await bench.host.engine.open('d');
    const held = Array.from({ length: 8 }, () => port.read(0, 1));
    expect((await bench.ok('explain', 'd')).split('\n')[1]).toMatch(
      /d \(254:0\), 8 sectors, [1-8] in flight$/,
    );
    await client.messageFilter('d', 'throttle', ['set', 'iops=1000']);
    await Promise.all(held);
    port.close();
    await bench.ok('create', 'bare', '--notable');
    expect(await bench.ok('explain', 'bare')).toMatch(/bare \(254:1\), 0 sectors\n +`- no table\n$/);
  });

  it('knows no device that is not there', async () => {
    const { code, stderr } = await new Workbench(directory).run(['explain', 'nosuch']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^interposer: EN/) as string });
  });
});
