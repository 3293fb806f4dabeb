import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createEngine, type Engine, type Port } from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { trace } from '../src/index.ts';
import { tempDirectory } from './temp.ts';
import { readAll } from './traced.ts';

const directory = tempDirectory();
let files = 0;
let path = '';
let engine: Engine;
let port: Port;

beforeEach(async () => {
  path = join(directory, `${String(files++)}.trace`);
  engine = createEngine({ types: [ram, trace] });
  port = await engine.open('ram:1M');
});
afterEach(async () => {
  port.close();
  await engine.close();
});

function attach(spec: string): Promise<unknown> {
  return engine.attachFilter(port.device.number, spec);
}

describe('the file of a trace', () => {
  it('is made for its owner only, and holds what happened', async () => {
    await attach(`trace ${path}`);
    await port.write(8, new Uint8Array(1024));
    await port.read(8, 2);
    await engine.detachFilter(port.device.number, 'trace');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const { records, partialBytes, header } = await readAll(path);
    expect(records).toMatchObject([
      { number: 1, op: 1, sector: 8, count: 2, status: 0, depth: 1 },
      { number: 2, op: 0, sector: 8, count: 2, status: 0, depth: 1 },
    ]);
    expect(partialBytes).toBe(0);
    expect(header).toMatchObject({ sectors: 2048, sample: 1 });
  });

  it('may have blanks in its name', async () => {
    path = join(directory, 'a b\\c.trace');
    await attach(`trace ${path.replace(/[ \\]/g, '\\$&')} sample=2 max=1M`);
    const [filter] = await engine.filters(port.device.number);
    await engine.detachFilter(port.device.number, 'trace');
    expect(await readAll(path)).toMatchObject({ records: [] });
    await attach(`trace ${filter!.args} replace=yes`);
    expect((await engine.filters(port.device.number))[0]!.args).toBe(`${filter!.args} replace=yes`);
  });

  it('is never overwritten by accident', async () => {
    writeFileSync(path, 'a disk');
    for (const option of ['', ' replace=no', ' replace=yes']) {
      await expect(attach(`trace ${path}${option}`)).rejects.toMatchObject({ code: 'EEXIST' });
    }
    expect(readFileSync(path, 'utf8')).toBe('a disk');
  });

  it('is replaced on request if it is a trace, or empty, and no other is being written', async () => {
    writeFileSync(path, '');
    await attach(`trace ${path} replace=yes`);
    await port.read(0, 1);
    await port.read(0, 1);
    await expect(attach(`trace@470000 ${path} replace=yes`)).rejects.toMatchObject({ code: 'EBUSY' });
    await engine.detachFilter(port.device.number, 'trace');
    expect((await readAll(path)).records.length).toBe(2);
    await attach(`trace ${path} replace=yes`);
    await engine.detachFilter(port.device.number, 'trace');
    expect((await readAll(path)).records).toEqual([]);
  });

  it.each([
    ['a relative path', () => 'x.trace', 'EINVAL'],
    ['a directory that is not there', () => join(path, 'x'), 'ENOENT'],
    ['a directory', () => `${directory} replace=yes`, 'EINVAL'],
    ['no regular file', () => '/dev/null replace=yes', 'EINVAL'],
    ['no name', () => '', 'EINVAL'],
    ['a sample of 0', () => `${path} sample=0`, 'EINVAL'],
    ['a size that is too small', () => `${path} max=1K`, 'EINVAL'],
    ['an option that does not exist', () => `${path} ops=read`, 'EINVAL'],
  ])('is refused: %s', async (_what, args, code) => {
    await expect(attach(`trace ${args()}`)).rejects.toMatchObject({ code });
    expect(await engine.filters(port.device.number)).toEqual([]);
  });

  it('is not what a dangling link leads to', async () => {
    mkdirSync(path);
    const link = join(path, 'link');
    symlinkSync(join(path, 'elsewhere'), link);
    await expect(attach(`trace ${link}`)).rejects.toMatchObject({ code: 'EEXIST' });
  });
});
