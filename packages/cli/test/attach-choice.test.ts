import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseMethod, type PlaceKind } from '../src/attach/choose-method.ts';
import { parseMounts } from '../src/attach/mounts.ts';
import type { AttachRequest } from '../src/index.ts';
import { type FakeOptions, FakeSystem } from './fake-system.ts';
import { tempDirectory } from './temp.ts';

const directory = tempDirectory();

function choose(method: AttachRequest['method'], place: PlaceKind, options: FakeOptions): string {
  return chooseMethod(method ?? 'auto', place, new FakeSystem(join(directory, 'machine'), options).system);
}

const everything = ['nbd-client', 'nbdfuse', 'fusermount3', 'losetup', 'mount', 'umount'];
const without = (...names: readonly string[]): string[] => everything.filter((name) => !names.includes(name));

describe('the method of attach', () => {
  it.each<[string, string, PlaceKind, FakeOptions]>([
    ['the NBD device of the kernel where there is one', 'nbd', 'none', {}],
    ['and it is mounted', 'nbd', 'directory', {}],
    ['a loop device where the kernel has no NBD devices', 'loop', 'directory', { nbd: [] }],
    ['and where all are in use', 'loop', 'none', { nbd: [true, true] }],
    ['and where nbd-client is missing', 'loop', 'none', { programs: without('nbd-client') }],
    ['a file without loop devices', 'fuse', 'none', { nbd: [], nodes: ['fuse'] }],
    ['a file without losetup', 'fuse', 'none', { nbd: [], programs: without('losetup') }],
    ['a file for anybody else than root', 'fuse', 'directory', { superuser: false }],
    ['a file in the place of a file', 'fuse', 'file', {}],
    ['a node where nothing is to be mounted', 'nbd', 'none', { programs: without('mount', 'umount') }],
  ])('is %s: %s', (_what, expected, place, options) => {
    expect(choose('auto', place, options)).toBe(expected);
  });

  it.each<[string, AttachRequest['method'], PlaceKind, FakeOptions, string, RegExp]>([
    ['nbd, not root', 'nbd', 'none', { superuser: false }, 'EACCES', /superuser/],
    ['nbd, no module', 'nbd', 'none', { nbd: [] }, 'ENODEV', /modprobe nbd/],
    ['nbd, none free', 'nbd', 'none', { nbd: [true] }, 'EBUSY', /all 1 NBD devices .* nbds_max/],
    ['nbd, no program', 'nbd', 'none', { programs: [] }, 'ENOENT', /nbd-client is not .* package nbd-client/],
    ['nbd at a file', 'nbd', 'file', {}, 'EINVAL', /at a directory, not at a file/],
    [
      'nbd, no mount',
      'nbd',
      'directory',
      { programs: without('umount') },
      'ENOENT',
      /umount is not installed/,
    ],
    ['loop, not root', 'loop', 'none', { superuser: false }, 'EACCES', /superuser/],
    ['loop, no module', 'loop', 'none', { nodes: ['fuse'] }, 'ENODEV', /modprobe loop/],
    [
      'loop, no program',
      'loop',
      'none',
      { programs: without('losetup') },
      'ENOENT',
      /losetup is not installed/,
    ],
    ['loop, no fuse', 'loop', 'none', { nodes: ['loop-control'] }, 'ENODEV', /modprobe fuse/],
    ['fuse, no module', 'fuse', 'none', { nodes: [] }, 'ENODEV', /no .*\/dev\/fuse.* container/],
    [
      'fuse, no nbdfuse',
      'fuse',
      'none',
      { programs: [] },
      'ENOENT',
      /nbdfuse is not installed; .* libnbd-bin/,
    ],
    ['fuse, no fusermount3', 'fuse', 'none', { programs: ['nbdfuse'] }, 'ENOENT', /package fuse3/],
    ['another system', 'auto', 'none', { platform: 'darwin' }, 'ENOTSUP', /Linux only.* darwin/],
  ])('%s: refused, and it says what to do', (_what, method, place, options, code, message) => {
    expect(() => choose(method, place, options)).toThrow(expect.objectContaining({ code }));
    expect(() => choose(method, place, options)).toThrow(message);
  });

  it('with nothing at all: every reason is named', () => {
    const options = { superuser: false, programs: [] };
    expect(() => choose('auto', 'none', options)).toThrow(
      /^cannot attach\. nbd: only the superuser .*\. loop: only .*\. fuse: nbdfuse is not installed/,
    );
  });
});

describe('the table of mounts', () => {
  it('has blanks as octal numbers, and any number of optional fields', () => {
    const text = [
      '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
      '36 35 7:0 /sub /mnt/with\\040blank\\134 rw shared:1 master:2 - fuse.nbdfuse /dev/a\\011b rw',
      '',
    ].join('\n');
    expect(parseMounts(text)).toEqual([
      { point: '/', type: 'ext4', source: '/dev/vda' },
      { point: '/mnt/with blank\\', type: 'fuse.nbdfuse', source: '/dev/a\tb' },
    ]);
  });
});
