import { defineFilter, parseAltitude, PreResult, Registry } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../src/index.ts';
import { checkName, checkScope, namesOf } from '../src/names.ts';

function registryTakes(name: string): boolean {
  const type = defineFilter({
    name,
    version: [1, 0, 0],
    altitude: '1',
    ops: 0,
    params: [],
    attach: () => ({ pre: () => PreResult.Pass, table: () => '' }),
  });
  try {
    new Registry().add(type);
    return true;
  } catch {
    return false;
  }
}

function generatorTakes(name: string): boolean {
  try {
    checkName(name, 'filter');
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(Refusal);
    return false;
  }
}

describe('the name of a plugin', () => {
  it.each([
    'a',
    'write-limit',
    'x9',
    'a-',
    'fifteen-letters',
    'sixteen-letters-',
    '',
    '9a',
    '-a',
    'A',
    'a_b',
    'ä',
    'a b',
    'a\n',
  ])('follows the rule of the registry: %j', (name) => {
    expect(generatorTakes(name)).toBe(registryTakes(name));
  });

  it('may not be one that core has a function of', () => {
    expect(generatorTakes('define')).toBe(false);
  });

  it('has a form for each use', () => {
    expect(namesOf('write-limit', '@me')).toEqual({
      name: 'write-limit',
      identifier: 'writeLimit',
      className: 'WriteLimit',
      packageName: '@me/interposer-plugin-write-limit',
      altitude: expect.stringMatching(/^350000\.\d{5}$/),
    });
    expect(namesOf('a--b-9-', undefined)).toMatchObject({
      identifier: 'aB9',
      packageName: 'interposer-plugin-a--b-9-',
    });
  });

  it('gives a filter an altitude of its own, in canonical form', () => {
    const altitudes = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => namesOf(name, undefined).altitude);
    expect(new Set(altitudes).size).toBe(6);
    for (const altitude of altitudes) expect(parseAltitude(altitude)).toBe(altitude);
    expect(namesOf('a', '@me').altitude).not.toBe(altitudes[0]);
  });

  it.each(['me', '@', '@Me', '@a/b', '@a b', '@../x'])('refuses the scope %j', (scope) => {
    expect(() => {
      checkScope(scope);
    }).toThrow(Refusal);
  });
});
