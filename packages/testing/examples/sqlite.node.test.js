// SQLite in every power cut, under node:test: node --test
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashTestBank } from './sqlite.js';

test('with synchronous=OFF a power cut breaks the bank', async () => {
  const { failures } = await crashTestBank('OFF');
  assert.match(failures[0].message, /the bank is broken/);
});

test('with synchronous=FULL none does', async () => {
  const result = await crashTestBank('FULL');
  result.assertNone();
});
