import { type Mutation, mutationsOf } from './mutation.ts';

const NUMBER = 'a bio carries a number, and the edge makes the code of it';
const STANDS_IN = 'what stands in for a device is as large, and stays so';
const FOLLOW = 'devices above follow, tables and remaps';
const FORGETS = 'detach forgets everything: ports, claims, limits, bios and timers';

/** Faults in codes, claims, limits and stacking. */
export const ruleMutations: readonly Mutation[] = [
  ...mutationsOf(8, [
    [
      'altitude',
      'throws an error without a code',
      'every failure off the data path has a stable code and a text',
      "throw fail('EINVAL', ",
      "throw ((_: string, text: string) => new Error(text))('EINVAL', ",
    ],
    [
      'port',
      'makes one code of every number',
      NUMBER,
      'const code = codeOfErrno(status);',
      "const code = 'EIO';",
    ],
    [
      'bio',
      'makes one number of every failure',
      NUMBER,
      'this.status = status;\n    unwind(this);',
      'this.status = status === Status.Ok ? Status.Ok : Status.Io;\n    unwind(this);',
    ],
  ]),
  ...mutationsOf(9, [
    [
      'claims',
      'takes claims of others for its own',
      'a claim is exclusive unless it is said otherwise',
      "if (claim === 'exclusive' || port.claim === 'exclusive') return port;",
      "if (claim === 'exclusive' && port.claim === 'shared') return port;",
    ],
    [
      'claims',
      'refuses a second shared claim',
      'shared claims go together, an exclusive one not with them',
      "if (claim === 'exclusive' || port.claim === 'exclusive') return port;",
      'return port;',
    ],
    [
      'claims',
      'refuses a second claim of one holder',
      'two tables may claim one device, a port beside them may not',
      'port.holder === holder) continue;',
      'port.holder !== holder) continue;',
    ],
    [
      'filter-acquire',
      'claims nothing for a remap',
      'a remap claims what stands in for itself alone',
      'claim, holder, owner: device',
      "claim: claim === 'shared' ? claim : 'noexcl', holder, owner: device",
    ],
  ]),
  ...mutationsOf(10, [
    [
      'load-table',
      'looks only at the length of an area',
      'a table does not reach beyond the devices below it',
      'if (count > limits.sectors || start > limits.sectors - count) {',
      'if (count > limits.sectors) {',
    ],
    [
      'remap',
      'lets a small device stand in',
      STANDS_IN,
      'if (donor.sectors >= covered.sectors) return;',
      'if (donor.sectors >= 0) return;',
    ],
    [
      'mapped-device',
      'loads a table that is too small for what its device stands in for',
      STANDS_IN,
      'this.checkTable(table);\n      this.#checkRemaps(table);',
      'this.checkTable(table);',
    ],
    [
      'transaction',
      'lets what stands in shrink in a transaction',
      STANDS_IN,
      'this.#checkRemaps(device);',
      '',
    ],
    [
      'transaction',
      'lets a filter hide sectors',
      'a filter that hides a part of its device is refused',
      'if (limits.sectors < below.sectors) {',
      'if (limits.sectors < 0) {',
    ],
    [
      'block-device',
      'tells ports nothing of new limits',
      'limits are worked out again after an edit, and ports are told',
      'if (!sameLimits(limits, port.limits)) tell(port);',
      'if (limits.sectors < 0) tell(port);',
    ],
    [
      'mapped-device',
      'does not follow the limits of the devices below a table',
      FOLLOW,
      'port.onLimits = () => {\n        this.#restackTables();',
      'port.onLimits = () => {\n        this.raiseEvent();',
    ],
    ['remap', 'does not follow the limits of what stands in', FOLLOW, 'covered.restack();', ''],
    [
      'block-device',
      'stops an edit for a port that cannot take the news',
      'a port that fails when it is told is no reason not to edit',
      'port.device.reportFault(port.holder, asError(error));',
      'throw error;',
    ],
  ]),
  ...mutationsOf(11, [
    [
      'mapped-device',
      'stacks a device on itself',
      'a device is not stacked on itself, directly or by another',
      'this.#checkStacking(table);',
      '',
    ],
    [
      'transaction',
      'lets remaps lead anywhere',
      'neither a remap nor a filter leads a device to itself',
      'checkPlan(device, this);',
      '',
    ],
    [
      'device-graph',
      'forgets the device where it began when it looks for the way back',
      'two devices that stand in for one another are no cycle',
      'const seen = new Set([except]);',
      'const seen = new Set([except, wanted, ...ports.map((port) => port.device)]);',
    ],
    [
      'device-graph',
      'has no cap',
      'a stack deeper than the cap is refused, one at the cap works',
      'if (depth <= MAX_DEPTH) return;',
      'if (depth <= 2 * MAX_DEPTH) return;',
    ],
    [
      'device-graph',
      'has a cap that is one too low',
      'a stack deeper than the cap is refused, one at the cap works',
      'if (depth <= MAX_DEPTH) return;',
      'if (depth < MAX_DEPTH) return;',
    ],
    [
      'device-graph',
      'does not count the way back from a remap',
      'remaps count for the depth, and none goes beyond the cap',
      'if (entry !== null) return 1 + rankFrom(port.device, entry, ranks, plan);',
      'if (entry !== null) return 1;',
    ],
    [
      'device-graph',
      'counts for the device right above only',
      'what is put below later counts for all that stand above',
      'for (const one of uppers) {',
      'for (const one of [device]) {',
    ],
  ]),
  ...mutationsOf(12, [
    [
      'filter-acquire',
      'keeps the devices a filter used',
      FORGETS,
      'for (const port of [...step.others, step.port]) port.close();',
      'step.port.close();',
    ],
    ['quiesce', 'leaves its timer running', FORGETS, 'timer.cancel();', ''],
    [
      'transaction',
      'tells filters to go before they are out',
      'a filter that was detached is not called again',
      'await quiesce(devices, this.#quiesceOptions);',
      'for (const step of this.#leaving) await step.filter.detach?.();\n      await quiesce(devices, this.#quiesceOptions);',
    ],
    [
      'transaction',
      'holds the devices of an edit open',
      'finishing a remap forgets it',
      'for (const port of this.#ports) port.close();',
      '',
    ],
  ]),
];
