import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connect } from '../src/index.ts';
import { installProgram, quiet } from './installed.ts';
import { makeImage } from './temp.ts';

const { directory, socket, start, run } = installProgram();

describe('a daemon', () => {
  it('outlives devices that are lost: their clients get errors, and may go on with others', async () => {
    const foreground = start(['daemon', '--foreground']);
    await foreground.firstLine();
    for (const name of ['gone', 'here']) {
      const image = makeImage(directory, `${name}.img`, 64, Buffer.alloc(64 * 512, name));
      await run(['create', name, '--table', `0 64 linear ${image} 0`]);
      await run(['export', 'add', name, '--unix', 'lost.sock']);
    }
    const uri = (name: string): string => `nbd+unix:///${name}?socket=${join(directory, 'lost.sock')}`;
    const service = await connect(socket, { cwd: directory });
    await service.create('far', { table: `0 64 linear ${uri('gone')} 0` });
    expect(Buffer.from(await service.read('far', 0, 1)).toString()).toMatch(/^gonegone/);
    expect(await run(['device', 'yank', 'gone'])).toEqual(quiet);
    await expect(service.read('far', 0, 1)).rejects.toMatchObject({
      code: expect.stringMatching(/EIO|ENODEV|ESHUTDOWN/) as string,
    });
    expect((await run(['dd', `if=${uri('gone')}`, 'of=/dev/null'])).code).toBe(1);
    expect((await run(['dd', `if=${uri('here')}`, 'count=1'])).stdout).toMatch(/^herehere/);
    expect(await run(['export', 'rm', 'gone'])).toEqual(quiet);
    // The clients of an export that ends are disconnected: for the daemon's own one that is a loss of another device.
    while ((await service.listDevices()).some(({ driver }) => driver === 'nbd')) await service.list();
    await expect(service.read('far', 0, 1)).rejects.toMatchObject({ code: 'ENODEV' });
    await service.shutdown();
    await service.closed;
    const { code, stderr } = await foreground.ended;
    expect(code).toBe(0);
    const lines = stderr.split('\n');
    // The words of the server for the requests that failed.
    expect(lines.some((line) => /request at sector 0 failed: read of .* failed: ENODEV$/.test(line))).toBe(
      true,
    );
    expect(lines.filter((line) => !line.includes('request at sector'))).toEqual([
      'interposer: gone is lost: it was yanked',
      `interposer: ${uri('gone')} is lost: the NBD connection broke: the server closed the connection`,
      '',
    ]);
  });

  it('brings up and takes down the stack of the folder, and starts for a sound file only', async () => {
    const folder = join(directory, 'stack');
    mkdirSync(folder);
    makeImage(folder, 'disk.img', 64);
    const file = (size: string): string =>
      `version: 1\ndevices:\n  disk:\n    table: 0 ${size} linear disk.img 0\nfilters:\n  disk: [stats]\nexports:\n  - device: disk\n    unix: d.sock\n`;
    writeFileSync(join(folder, 'interposer.yaml'), file('none'));
    const bad = await run(['up'], { cwd: folder });
    expect(bad).toMatchObject({ code: 1, stdout: '' });
    expect(bad.stderr).toMatch(/^interposer: EINVAL: interposer\.yaml:4:/);
    expect(existsSync(socket)).toBe(false);
    writeFileSync(join(folder, 'interposer.yaml'), file('64'));
    const items = ['device disk', 'filter stats on disk', `export disk on ${folder}/d.sock`];
    const lines = (outcome: string, names: readonly string[]): string =>
      names.map((name) => `${outcome} ${name}\n`).join('');
    expect(await run(['up'], { cwd: folder })).toEqual({ ...quiet, stdout: lines('made', items) });
    expect(await run(['up', 'stack/interposer.yaml'])).toEqual({ ...quiet, stdout: lines('kept', items) });
    expect(await run(['status', '--stack', 'interposer.yaml', '--json'], { cwd: folder })).toMatchObject({
      code: 0,
    });
    expect(await run(['down'], { cwd: folder })).toEqual({
      ...quiet,
      stdout: lines('removed', items.toReversed()),
    });
  });
});
