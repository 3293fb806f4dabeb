import { describe, expect, it } from 'vitest';
import {
  ALL_OPS,
  API_VERSION,
  BioOp,
  createEngine,
  defineDriver,
  hasOp,
  isPluginType,
  opSet,
  Registry,
} from '../src/index.ts';
import { TestDisks } from './support/disks.ts';
import { filterType, targetType } from './support/plugins.ts';

const zero = targetType('zero', () => ({}));
const pass = filterType('pass', '1');

describe('Registry', () => {
  it('knows what it was given, by kind, in order of name', () => {
    const disk = new TestDisks().type;
    const files = defineDriver({ ...disk, name: 'files', schemes: ['file'], takesPaths: true });
    const registry = new Registry().add(
      zero,
      files,
      pass,
      disk,
      targetType('linear', () => ({})),
    );
    expect(registry.targets().map(({ name }) => name)).toEqual(['linear', 'zero']);
    expect(registry.drivers().map(({ name }) => name)).toEqual(['disk', 'files']);
    expect(registry.target('zero')).toBe(zero);
    expect(registry.filter('pass')).toBe(pass);
    expect(registry.filter('zero')).toBeUndefined();
    expect(registry.driver('disk')).toBe(disk);
    expect(registry.driver('')).toBeUndefined();
    expect(registry.pathDriver()).toBe(files);
  });

  it('takes the same type twice, but no other of its name', () => {
    const registry = new Registry().add(zero, zero);
    expect(() => registry.add(targetType('zero', () => ({})))).toThrow(
      expect.objectContaining({ code: 'EEXIST' }),
    );
    expect(registry.add(filterType('zero', '1')).target('zero')).toBe(zero);
  });

  it('refuses a type that was built for another core', () => {
    const old = { ...zero, api: API_VERSION + 1 };
    expect(() => createEngine({ types: [old] })).toThrow(expect.objectContaining({ code: 'EAPI' }));
  });

  it.each(['', 'Zero', '1zero', 'has blank', 'sixteen-letters-', 'a@b'])('refuses the name "%s"', (name) => {
    expect(() => new Registry().add(targetType(name, () => ({})))).toThrow(
      expect.objectContaining({ code: 'EINVAL' }),
    );
  });
});

describe('isPluginType', () => {
  it('tells types from other exports', () => {
    expect([zero, pass, new TestDisks().type].map(isPluginType)).toEqual([true, true, true]);
    expect(
      [null, 'zero', { kind: 'zero', api: 1, name: 'x' }, { kind: 'target', name: 'x' }].map(isPluginType),
    ).toEqual([false, false, false, false]);
  });
});

describe('sets of operations', () => {
  it('hold what they were made of', () => {
    const set = opSet(BioOp.Read, BioOp.Discard);
    expect(Object.values(BioOp).map((op) => hasOp(set, op))).toEqual([true, false, false, true, false]);
    expect(opSet(...Object.values(BioOp))).toBe(ALL_OPS);
  });
});
