import { Status } from '@interposer/core';
import { expect, it } from 'vitest';
import { byteAt, expectSame, sector, Stand } from './stand.ts';

// Whoever loads another table puts the first leg with the letter A first, and the others are copied from it.
it('the first leg with the letter A has all that was acknowledged, also after another one was the default leg', async () => {
  const stand = new Stand();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => stand.disk(name));
  const port = await stand.create('core 2 8 nosync 3 chaos:a 0 chaos:b 0 chaos:c 0 2 handle_errors keep_log');
  a!.fail(Status.Io, { times: 1 });
  await port.write(0, sector(1));
  expect(await stand.status()).toBe('15/16 1 DAA 1 core');
  await stand.engine.suspend('x');
  await stand.engine.resume('x');
  await stand.settle();
  expect(await stand.status()).toBe('16/16 1 AAA 1 core');
  expectSame(a!, b!);

  c!.fail(Status.Io, { times: 1 });
  await port.write(0, sector(2));
  await port.write(0, sector(3));
  expect(await stand.status()).toBe('15/16 1 AAD 1 core');
  expect(byteAt(a!, 0)).toBe(3);
});
