import { BioFlag, BioOp, codeOfErrno, Status } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Setup, stamps, versionsIn } from './support.ts';

let setup: Setup;

async function start(words: string, options: ConstructorParameters<typeof Setup>[0] = {}): Promise<void> {
  setup = await new Setup(options).start(words);
}

afterEach(() => setup.stop());

describe('error', () => {
  it.each([
    ['error', Status.Io],
    ['error=EIO', Status.Io],
    ['error=ENOSPC', Status.NoSpc],
    ['error=ENOMEM', Status.NoMem],
    ['error=EPERM', Status.Perm],
    ['error=EINVAL', Status.Inval],
    ['error=ESHUTDOWN', Status.Shutdown],
    ['error=ETIMEDOUT', Status.TimedOut],
    ['error=ENOTSUP', Status.NotSup],
    ['error=ENODATA', Status.NoData],
    ['error=EILSEQ', Status.Ilseq],
    ['error=EROFS', 30],
    ['error=EOVERFLOW', 75],
    ['error=4095', 4095],
  ])('%s', async (action, status) => {
    await start(`on any do ${action}`);
    for (const op of [BioOp.Read, BioOp.Write, BioOp.Flush, BioOp.Discard, BioOp.WriteZeroes])
      expect((await setup.send({ op })).status).toBe(status);
    await expect(setup.port.flush()).rejects.toMatchObject({ code: codeOfErrno(status) });
    expect(setup.disk.requests).toBe(0);
    expect(setup.versions(0, 2)).toBe('aa');
  });

  it('a read that fails shows nothing of what its buffer held', async () => {
    await start('on read do error');
    const { buffer } = await setup.send({ op: BioOp.Read, buffer: stamps(0, 1, 3) });
    expect(versionsIn(buffer, 0, 0, 1)).toBe('0');
  });
});

describe('drop', () => {
  it('writes, discards, zeroes and flushes succeed and are not done', async () => {
    await start('on write,flush,discard,write-zeroes do drop');
    expect(await setup.write(0, 4, 1, BioFlag.Fua)).toBe(Status.Ok);
    for (const op of [BioOp.Flush, BioOp.Discard, BioOp.WriteZeroes])
      expect((await setup.send({ op })).status).toBe(Status.Ok);
    expect(setup.disk.requests).toBe(0);
    expect(await setup.seen(0, 4)).toBe('aaaa');
  });
});

describe('torn', () => {
  it('only the first sectors reach the disk, and the rest stays as it was', async () => {
    await start('on write do torn=3');
    expect(await setup.write(10, 8, 1)).toBe(Status.Ok);
    expect(setup.versions(8, 12)).toBe('aabbbaaaaaaa');
    expect(await setup.write(10, 3, 2)).toBe(Status.Ok);
    expect(await setup.write(20, 2, 2)).toBe(Status.Ok);
    expect(setup.versions(10, 12)).toBe('cccaaaaaaacc');
  });

  it('torn=0: none of it', async () => {
    await start('on write do torn=0');
    expect(await setup.write(10, 8, 1)).toBe(Status.Ok);
    expect(setup.disk.arrived[BioOp.Write]).toBe(0);
    expect(setup.versions(10, 8)).toBe('aaaaaaaa');
  });

  it('ack=no: it fails, unless nothing of it was missing', async () => {
    await start('on write nth=1 do torn=0 ack=no on write do torn=3 ack=no');
    expect(await setup.write(10, 8, 1)).toBe(Status.Io);
    expect(await setup.write(20, 8, 1)).toBe(Status.Io);
    expect(await setup.write(30, 3, 1)).toBe(Status.Ok);
    expect(setup.versions(10, 24)).toBe('aaaaaaaaaabbbaaaaaaabbba');
  });

  it('a failure below stays what it is', async () => {
    await start('on write do torn=3 ack=no');
    setup.disk.fail(Status.NoSpc);
    expect(await setup.write(10, 8, 1)).toBe(Status.NoSpc);
  });

  it('at random: every boundary, none of them whole, the same ones with the same seed', async () => {
    const boundaries = async (): Promise<string> => {
      await start('seed=3 on write do torn');
      let found = '';
      for (let i = 0; i < 60; i++) {
        await setup.write(0, 4, 0);
        await setup.write(0, 4, 1);
        found += String(
          setup
            .versions(0, 4)
            .split('')
            .filter((version) => version === 'b').length,
        );
        setup.disk.data.set(stamps(0, 4, 0));
      }
      return found;
    };
    const first = await boundaries();
    expect([...new Set(first)].sort()).toEqual(['0', '1', '2', '3']);
    await setup.stop();
    expect(await boundaries()).toBe(first);
  });

  it('zeroes and discards, too', async () => {
    await start('on discard,write-zeroes do torn=2');
    await setup.send({ op: BioOp.Discard, sector: 0, count: 4 });
    await setup.send({ op: BioOp.WriteZeroes, sector: 8, count: 4 });
    expect(setup.versions(0, 12)).toBe('00aaaaaa00aa');
  });

  it('at whole blocks of the disk', async () => {
    await start('on write do torn=11', { limits: { logicalBlock: 4096 } });
    expect(await setup.write(0, 16, 1)).toBe(Status.Ok);
    expect(setup.versions(0, 16)).toBe('bbbbbbbbaaaaaaaa');
    await setup.message('add on write id=9 do pass');
    await setup.message('remove 1');
    await setup.message('remove 9');
    await setup.message('add on write do torn');
    for (let i = 0; i < 20; i++) await setup.write(0, 24, 2);
    expect(setup.versions(0, 24)).toMatch(/^(c{8}|b{8})(c{8}|a{8})a{8}$/);
  });
});

describe('pass', () => {
  it('exempts from the rules behind it', async () => {
    await start('on any sectors=0+8 do pass on any do error');
    expect(await setup.read(0)).toBe(Status.Ok);
    expect(await setup.read(8)).toBe(Status.Io);
  });
});
