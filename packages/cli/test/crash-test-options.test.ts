import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Workbench } from './in-process.ts';
import { tempDirectory } from './temp.ts';

const directory = tempDirectory();
mkdirSync(join(directory, 'store'));
writeFileSync(join(directory, 'store/something'), '');

describe('crash-test', () => {
  it.each([
    [['--size', '32K', '--check', 'true'], 'name one thing to search'],
    [['--run', 'true', '--log', 'x', '--check', 'true'], 'name one thing to search'],
    [['--run', 'true', '--check', 'true'], 'name the disk'],
    [['--run', 'true', '--size', '1M', '--image', 'x', '--check', 'true'], 'name the disk'],
    [['--run', 'true', '--image', 'nosuch', '--check', 'true'], 'nosuch: ENOENT: no such file'],
    [['--run', 'true', '--size', '1M'], '--check is needed'],
    [['--run', 'true', '--size', '1000', '--check', 'true'], '--size 1000: want bytes'],
    [
      ['--run', 'true', '--size', '1M', '--check', 'true', '--jobs', '0'],
      '--jobs 0: want a whole number from 1 on',
    ],
    [
      ['--run', 'true', '--size', '1M', '--check', 'true', '--present', 'x'],
      '--present x: want one of image, nbd, device',
    ],
    [['--run', 'true', '--size', '1M', '--check', 'true', '--dir', 'store'], 'store is not empty'],
    [['--run', 'true', '--size', '1M', '--base', 'x', '--check', 'true'], '--base does not go with --run'],
    [['--log', 'x', '--check', 'true'], '--base is needed'],
    [['--log', 'nosuch', '--base', 'store', '--check', 'true'], 'nosuch: ENOENT: no such file'],
    [['--resume', 'x', '--check', 'true'], '--check does not go with --resume'],
    [['--resume', 'store'], 'store is no folder of crash-test'],
    [['replay', 'nosuch.json'], 'ENOENT'],
  ])('%j is refused', async (args, text) => {
    const { code, stdout, stderr } = await new Workbench(directory).run(['crash-test', ...args]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(text);
    expect(readdirSync(directory).filter((name) => name.startsWith('crash-test-'))).toEqual([]);
  });
});
