import { type Mutation, mutationsOf } from './mutation.ts';

const ORIGIN = 'a bio keeps its origin through every device, filter and remap';
const CLASH = 'a clash of altitudes is an error, and equal numbers clash however they are written';
const ORDER = 'the order is that of the altitudes, whoever came first, and reversed on the way up';
const RANDOM = '120 random orders of attach, detach and swap give the same stack';
const OWN = 'I/O of a filter on its own device enters below it';
const UNDER = 'bios of a table under a remap enter its device below the remap';

/** Faults in the way of a bio: whom it meets, in what order, how often it ends. */
export const pathMutations: readonly Mutation[] = [
  ...mutationsOf(3, [
    [
      'port',
      'takes a bio that is forwarded for a new one',
      ORIGIN,
      'bio.port = this;\n    dispatch(bio);',
      'bio.origin = this.device;\n    bio.port = this;\n    dispatch(bio);',
    ],
    [
      'device-path',
      'takes a bio for one of each device it enters',
      ORIGIN,
      'bio.rank = this.rank;\n    bio.deviceDepth',
      'bio.origin = this.#device;\n    bio.rank = this.rank;\n    bio.deviceDepth',
    ],
    [
      'device-path',
      'says nothing of a loop',
      'a bio that meets the same filter twice is a reported fault',
      'this.#device.reportFault(',
      '((..._: readonly unknown[]) => undefined)(',
    ],
    [
      'device-path',
      'does not know who sent a bio in a loop',
      'a bio that comes back by way of another device is a reported fault too',
      "bio.holder?.label ?? 'unknown'",
      "'unknown'",
    ],
  ]),
  ...mutationsOf(4, [
    [
      'bio',
      'says nothing of a second completion',
      'completing twice is a reported fault and has no effect',
      "reportMisuse(this, 'completed a bio that was complete already');",
      '',
    ],
    [
      'bio',
      'ends a bio again on its way up',
      'completing on the way up is a reported fault and has no effect',
      'if (this.status !== Status.Pending) {',
      'if (this.status === Status.Idle) {',
    ],
    [
      'device-path',
      'goes on with a bio that a filter ended',
      'completing and passing on is a reported fault',
      'if (bio.status !== Status.Pending && verdict !== PreResult.Taken) return passedOnComplete(bio);',
      '',
    ],
    [
      'bio-pool',
      'forgets at once who had a bio last',
      'completing a bio of the pool is a reported fault',
      'this.#outstanding--;\n',
      'this.#outstanding--;\n    bio.holder = null;\n',
    ],
    [
      'trampoline',
      'says nothing of a bio of the pool that is sent on',
      'sending on a bio of the pool is a reported fault',
      "else reportMisuse(next, 'sent on a bio that was complete already');",
      '',
    ],
    [
      'bio-pool',
      'gives bios out as they come',
      'changing a bio of the pool is a reported fault, and the next user sees nothing of it',
      'if (!isReset(bio)) {',
      'if (bio.depth < 0) {',
    ],
    [
      'bio-pool',
      'takes pending bios back',
      'a pending bio cannot go back to the pool',
      'if (bio.status === Status.Pending)\n      throw',
      'if (bio.depth < 0)\n      throw',
    ],
    [
      'bio',
      'forgets that a bio was taken back',
      'a bio that was taken back ends once, with what it ends with then',
      'reopen(): void {\n    this.status = Status.Pending;',
      'reopen(): void {',
    ],
  ]),
  ...mutationsOf(5, [
    [
      'filter-stack',
      'puts two filters at one altitude',
      CLASH,
      'if (holder === undefined) return;',
      'if (holder !== null) return;',
    ],
    ['altitude', 'tells numbers apart by their zeroes', CLASH, ".replace(/0+$/, '')", ''],
    [
      'transaction',
      'looks for a clash among those in place only',
      'a clash inside a transaction, or with a remap, is an error too',
      'this.stackOf(device).checkFree(request.altitude, device);',
      'device.stack.checkFree(request.altitude, device);',
    ],
    [
      'altitude',
      'compares what is behind the point as a whole number',
      ORDER,
      'return fractionA < fractionB ? -1 : 1;',
      'return Number(fractionA) < Number(fractionB) ? -1 : 1;',
    ],
    [
      'altitude',
      'compares numbers as text',
      ORDER,
      'if (wholeA.length !== wholeB.length) return wholeA.length - wholeB.length;',
      '',
    ],
    [
      'device-path',
      'runs completions in the order of the way down',
      ORDER,
      'if (verdict === PreResult.Watch) bio.watch(step, bio.cookie);',
      'if (verdict === PreResult.Watch) {\n        bio.watch(step, bio.cookie);\n        const at = bio.deviceDepth + 1;\n        bio.frames.splice(at, 0, bio.frames.splice(bio.depth - 1, 1)[0]!);\n      }',
    ],
    [
      'filter-stack',
      'keeps filters in the order they came',
      RANDOM,
      '.sort((a, b) => compareAltitudes(b.altitude, a.altitude))',
      '',
    ],
    [
      'live-edits',
      'swaps to the altitude of the type',
      RANDOM,
      'parseFilter(spec, this.#context.registry, step.altitude)',
      'parseFilter(spec, this.#context.registry)',
    ],
  ]),
  ...mutationsOf(6, [
    [
      'filter-acquire',
      "lets a filter's own I/O enter at the top",
      OWN,
      'below: altitude, owner: device',
      'owner: device',
    ],
    [
      'port',
      'lets a filter see its own I/O',
      OWN,
      'compareAltitudes(altitude, this.below) < 0',
      'compareAltitudes(altitude, this.below) <= 0',
    ],
    [
      'filter-stack',
      'does not follow edits with where ports enter',
      'new I/O of a filter enters there too, whatever is attached later',
      'port.entry[op] = first < 0 ? chain.length : first;',
      'if (port.below === null || port.entry[op] === 0) port.entry[op] = first < 0 ? chain.length : first;',
    ],
    [
      'filter-acquire',
      'lets I/O to another device enter below its top',
      'I/O of a filter to another device enters at its top',
      'claim, holder, owner: device',
      'claim, holder, below: altitude, owner: device',
    ],
    [
      'device-graph',
      'does not see that a table leads back below a remap',
      UNDER,
      'if (isLower && leadsTo(others, owner, device, plan)) below = altitude;',
      'if (isLower && others.length < 0) below = altitude;',
    ],
    [
      'device-graph',
      'looks one device deep for the way back',
      UNDER,
      'return [...plan.driverPortsOf(device), ...branches].some((port) => visit(port.device));',
      'return false;',
    ],
    [
      'device-graph',
      'leaves a table below a remap that is gone',
      UNDER,
      'let below = port.openedBelow;',
      'let below = port.below;',
    ],
  ]),
];
