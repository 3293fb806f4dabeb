import { type ErrorCode, fail } from '@interposer/core';
import type { AttachMethod } from '../service.ts';
import type { System } from './system.ts';

/** What stands at the mount point that was asked for; `none` if none was. */
export type PlaceKind = 'none' | 'directory' | 'file';

/** Why a method cannot be had, and what to do about it. */
interface Obstacle {
  readonly code: ErrorCode;
  readonly text: string;
}

/** The methods in order of preference: the faster one, and the one that gives more, first. */
const METHODS: readonly AttachMethod[] = ['nbd', 'loop', 'fuse'];

/** Where programs come from: package of Debian and its relatives, package of Fedora and its relatives. */
const PACKAGES: Readonly<Record<string, string>> = {
  'nbd-client': 'nbd-client on Debian, nbd on Fedora',
  nbdfuse: 'libnbd-bin on Debian, nbdfuse on Fedora',
  fusermount3: 'fuse3',
  losetup: 'mount on Debian, util-linux elsewhere',
  mount: 'mount on Debian, util-linux elsewhere',
  umount: 'mount on Debian, util-linux elsewhere',
};

/**
 * How to attach: the method that was asked for, or with `auto` the first that can be had. A method that cannot be had fails
 * with the code of what is in its way: EACCES, ENODEV, EBUSY, ENOENT, EINVAL, ENOTSUP.
 */
export function chooseMethod(asked: AttachMethod | 'auto', place: PlaceKind, system: System): AttachMethod {
  if (system.platform !== 'linux') {
    throw fail(
      'ENOTSUP',
      `devices can be attached on Linux only, and this is ${system.platform}; export add works`,
    );
  }
  if (asked !== 'auto') {
    const obstacle = findObstacle(asked, place, system);
    if (obstacle === undefined) return asked;
    throw fail(obstacle.code, `cannot attach by ${asked}: ${obstacle.text}`);
  }
  const obstacles: Obstacle[] = [];
  for (const method of METHODS) {
    const obstacle = findObstacle(method, place, system);
    if (obstacle === undefined) return method;
    obstacles.push({ ...obstacle, text: `${method}: ${obstacle.text}` });
  }
  const last = obstacles.at(-1)!;
  throw fail(last.code, `cannot attach. ${obstacles.map(({ text }) => text).join('. ')}`);
}

function findObstacle(method: AttachMethod, place: PlaceKind, system: System): Obstacle | undefined {
  switch (method) {
    case 'nbd':
      return nodeObstacle(place, system) ?? nbdObstacle(system);
    case 'loop':
      return nodeObstacle(place, system) ?? loopObstacle(system) ?? fuseObstacle(system);
    case 'fuse':
      return fuseObstacle(system);
  }
}

/** What every method that makes a device node needs. */
function nodeObstacle(place: PlaceKind, system: System): Obstacle | undefined {
  if (!system.superuser) {
    return { code: 'EACCES', text: 'only the superuser may; start the daemon as root' };
  }
  if (place === 'file') {
    return {
      code: 'EINVAL',
      text: 'a file system is mounted at a directory, not at a file; fuse takes a file',
    };
  }
  return place === 'none' ? undefined : missing(system, 'mount', 'umount');
}

function nbdObstacle(system: System): Obstacle | undefined {
  const devices = system.nbdDevices();
  if (devices.length === 0) {
    return { code: 'ENODEV', text: 'the kernel has no NBD devices; load its module: modprobe nbd' };
  }
  if (!devices.some((name) => system.isFreeNbd(name))) {
    return {
      code: 'EBUSY',
      text: `all ${String(devices.length)} NBD devices of the kernel are in use; see nbds_max of its module`,
    };
  }
  return missing(system, 'nbd-client');
}

function loopObstacle(system: System): Obstacle | undefined {
  if (system.nodeState('loop-control') === 'absent') {
    return { code: 'ENODEV', text: `there is no ${system.dev}/loop-control; load the module: modprobe loop` };
  }
  return forbidden(system, 'loop-control') ?? missing(system, 'losetup');
}

function fuseObstacle(system: System): Obstacle | undefined {
  if (system.nodeState('fuse') === 'absent') {
    return {
      code: 'ENODEV',
      text: `there is no ${system.dev}/fuse; load the module: modprobe fuse, or give the device to the container`,
    };
  }
  return forbidden(system, 'fuse') ?? missing(system, 'nbdfuse', 'fusermount3');
}

function forbidden(system: System, node: string): Obstacle | undefined {
  if (system.nodeState(node) !== 'forbidden') return undefined;
  return { code: 'EACCES', text: `${system.dev}/${node} may not be used by this user` };
}

function missing(system: System, ...programs: readonly string[]): Obstacle | undefined {
  const name = programs.find((program) => system.program(program) === undefined);
  if (name === undefined) return undefined;
  return { code: 'ENOENT', text: `${name} is not installed; package ${PACKAGES[name] ?? name}` };
}
