import { afterEach, describe, expect, it } from 'vitest';
import { DISK, Setup } from './support.ts';

describe('the arguments of the filter stats', () => {
  let setup: Setup;

  afterEach(() => setup.stop());

  it.each([
    ['stats', 'areas=64'],
    ['stats areas=1', 'areas=1'],
    ['stats areas=65536', 'areas=65536'],
  ])('%s: shown as they would attach it again', async (spec, args) => {
    setup = new Setup();
    await setup.start(spec);
    const before = await setup.engine.filters(DISK);
    expect(before).toMatchObject([{ type: 'stats', altitude: '450000', args }]);
    await setup.engine.detachFilter(DISK, 'stats');
    await setup.engine.attachFilter(DISK, `stats@450000 ${args}`);
    expect(await setup.engine.filters(DISK)).toEqual(before);
  });

  it('leave allocation as it is', async () => {
    setup = new Setup();
    await setup.start();
    const { engine } = setup;
    const attached = await engine.extents(DISK, 0, 1024);
    await engine.detachFilter(DISK, 'stats');
    expect(await engine.extents(DISK, 0, 1024)).toEqual(attached);
  });

  it.each(['areas=0', 'areas=65537', 'areas=x', 'areas', '64', 'areas=1 areas=2', 'precise=yes'])(
    'refuses %s',
    async (args) => {
      setup = new Setup();
      await setup.start();
      await expect(setup.engine.attachFilter(DISK, `stats@1 ${args}`)).rejects.toMatchObject({
        code: 'EINVAL',
        message: expect.stringContaining('areas'),
      });
    },
  );
});
