import { beforeAll, describe, expect, it } from 'vitest';
import { peer } from '../../../../tools/peers.ts';
import { useBundle } from './bundle.ts';
import { codeBlocks, Shell, stepsOf } from '../pages.ts';

// The examples of docs/nbd.md, in the order of the page, by clients of other people.
const world = useBundle();
let shell: Shell;

beforeAll(() => {
  shell = new Shell(world);
});

describe.skipIf(!peer('nbdinfo', 'qemu-io', 'openssl'))('the page about NBD', () => {
  it.each(codeBlocks('nbd.md', 'console').map((block, at) => ({ at: at + 1, steps: stepsOf(block) })))(
    'shows what its commands print: block $at',
    async ({ steps }) => {
      expect(steps.length).toBeGreaterThan(2);
      expect(await shell.follow(steps)).toEqual(steps);
    },
  );
});
