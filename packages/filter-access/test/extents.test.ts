import { spanTarget } from '@interposer/conformance';
import { createEngine, type Engine } from '@interposer/core';
import { ram } from '@interposer/device-ram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { access } from '../src/index.ts';

describe('allocation', () => {
  let engine: Engine;

  beforeEach(async () => {
    engine = createEngine({ types: [ram, spanTarget, access] });
    await engine.create('disk', { table: '0 512 span ram:512s 0' });
    await engine.write('disk', 128, new Uint8Array(128 * 512).fill(1));
  });

  afterEach(() => engine.close());

  it('shows as it is, whatever the rules, where reading is allowed', async () => {
    const before = await engine.extents('disk', 0, 512);
    await engine.attachFilter('disk', 'access ro worm:0+100');
    expect(await engine.extents('disk', 0, 512)).toEqual(before);
  });

  it('of what may not be read does not show', async () => {
    await engine.attachFilter('disk', 'access deny:100+20 deny:120+10 deny:300+212');
    const hole = { hole: true, zero: true };
    const data = { hole: false, zero: false };
    expect(await engine.extents('disk', 0, 512)).toEqual([
      { sector: 0, count: 100, ...hole },
      { sector: 100, count: 156, ...data },
      { sector: 256, count: 44, ...hole },
      { sector: 300, count: 212, ...data },
    ]);
    expect(await engine.extents('disk', 90, 20)).toEqual([
      { sector: 90, count: 10, ...hole },
      { sector: 100, count: 10, ...data },
    ]);
    await engine.messageFilter('disk', 'access', ['add', 'deny']);
    expect(await engine.extents('disk', 0, 512)).toEqual([{ sector: 0, count: 512, ...data }]);
  });
});
