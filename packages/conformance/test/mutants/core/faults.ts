import { type Mutation, mutationsOf } from './mutation.ts';

const FAILED = 'a failed read leaves zeroes, in its window only';
const STUCK = 'a filter that never completes is named when a detach does not drain, and goes by force';

function fenced(callback: string): string {
  return `a filter that throws in ${callback} is fenced and named, its bios fail, other devices go on`;
}

function named(callback: string): string {
  return `a filter that throws in ${callback} is named, and nobody's bios fail`;
}

/** Faults in how plugins are held off, and in what is left of their bios. */
export const faultMutations: readonly Mutation[] = [
  ...mutationsOf(13, [
    [
      'filter-stack',
      'lets any operation into a filter',
      'an operation a filter did not declare does not pass it',
      'known: hasOp(step.type.ops, op as 0)',
      'known: true',
    ],
    [
      'filter-stack',
      'lets an operation by a filter that does not know it',
      'nor does it pass a filter under or over a remap',
      'filter((step) => !hasOp(step.type.passes, op as 0))',
      'filter((step) => hasOp(step.type.ops, op as 0))',
    ],
    [
      'row',
      'lets any operation into a target',
      'an operation a target did not declare does not pass it',
      'this.#copies = copies.map((count, op) => (hasOp(type.ops, op as BioOp) ? count : 0));',
      'this.#copies = copies;',
    ],
    [
      'device-path',
      'lets any operation into a driver',
      'an operation a driver does not offer never reaches it, whatever a filter promises',
      'if (!hasOp(this.#bottomOps, bio.op)) {',
      'if (bio.depth < 0) {',
    ],
    [
      'registry',
      'takes types for another core',
      'a type for another core, a bad name and a taken name are refused',
      'if (type.api !== API_VERSION) {',
      'if (type.api < API_VERSION) {',
    ],
  ]),
  ...mutationsOf(14, [
    [
      'block-device',
      'serves with a filter that threw',
      fenced('pre'),
      'this.path.refusal = fault === null ? Status.Ok : Status.Io;',
      'this.path.refusal = Status.Ok;',
    ],
    [
      'transaction',
      'stays fenced when the culprit is gone',
      fenced('post'),
      'if (device.fault?.culprit === label) device.recover();',
      'if (label === undefined) device.recover();',
    ],
    [
      'bio',
      'loses a bio whose filter threw when it had taken it back',
      fenced('post after it took a bio back'),
      'if (taker.device !== undefined) this.holder = taker as Frame & Holder;',
      '',
    ],
    [
      'quiesce',
      'lets a throw stop the gate from opening',
      fenced('resume'),
      'holder.device.fence(holder, asError(error));',
      'throw error;',
    ],
    [
      'block-device',
      'says nothing of limits that cannot be worked out',
      fenced('limits'),
      'this.fence(step, asError(error));',
      'step.fenced = asError(error).message === step.label;',
    ],
    [
      'trampoline',
      'lets a target throw',
      'a target that throws is fenced, its bios fail, other devices go on',
      'containThrow(holder, error);',
      'if (error === null) containThrow(holder, error);',
    ],
    [
      'containment',
      'fences the device a bio was sent to first',
      'what throws in what stands in fails the bios of the covered device, until the remap ends',
      'if (role === undefined) holder.device.fence(holder, asError(error));',
      'if (role === undefined) [...holder.device.ports].at(-1)?.owner?.fence(holder, asError(error));',
    ],
    [
      'bio',
      'fences for a submitter that throws',
      'a submitter that throws in its end is told, and nobody else is harmed',
      "containThrow(holder, error, 'submitter');",
      'containThrow(holder, error);',
    ],
    [
      'block-device',
      'leaves bios with a filter that goes by force',
      STUCK,
      'this.#failHeldBy((one) => one === holder, Status.Io);',
      '',
    ],
    [
      'block-device',
      'takes a late word of a filter that is gone for a fault',
      STUCK,
      'bio.abandoned = true;',
      '',
    ],
    [
      'transaction',
      'waits for bios of a filter that goes by force',
      STUCK,
      "for (const step of this.#forced) step.device.fence(step, new Error('detached by force'));",
      '',
    ],
    [
      'report',
      'shows no list for a filter that cannot name its arguments',
      named('table'),
      'args: textOf(step, () => step.filter.table(showKeys)),',
      'args: step.filter.table(showKeys),',
    ],
    [
      'report',
      'says nothing of a filter that cannot tell its state',
      named('status'),
      'step.device.reportFault(step.label, asError(error));',
      'asError(error);',
    ],
    [
      'edit-verbs',
      'says nothing of a message that throws',
      named('message'),
      'return blamingLater(step, () => filter.message!(words));',
      'return filter.message(words);',
    ],
    [
      'stack-extents',
      'says nothing of extents that throw',
      named('extents'),
      'blamingLater(step, () => step.filter.extents?.(below, sector, count))',
      'step.filter.extents?.(below, sector, count)',
    ],
    [
      'containment',
      'says nothing of a throw behind a closed gate',
      named('presuspend'),
      'told.add(error);\n  device.reportFault(label, error);',
      'told.add(error);\n  if (!device.gate.closed) device.reportFault(label, error);',
    ],
    [
      'transaction',
      'says nothing of a question that throws',
      named('queryDetach'),
      'blaming(step, () => step.filter.queryDetach?.())',
      'step.filter.queryDetach?.()',
    ],
    [
      'filter-acquire',
      'says nothing of a detach that throws',
      named('detach'),
      'await blamingLater(step, () => step.filter.detach?.());',
      'await step.filter.detach?.();',
    ],
  ]),
  ...mutationsOf(15, [
    [
      'bio-pool',
      'makes a new bio each time',
      'the pool gives the same bios again, however many requests there are',
      'resetBio(bio);\n    this.#free(bio);',
      'resetBio(bio);',
    ],
    [
      'block-device',
      'works the limits of a port out for each bio',
      'nothing is allocated for a bio on its way through filters, a table and a remap',
      'return this.#levels[port.level]!;',
      'return { ...this.#levels[port.level]! };',
    ],
  ]),
  ...mutationsOf(16, [
    [
      'bio',
      'shows what a failed read left',
      FAILED,
      'if (bio.status !== Status.Ok && bio.op === Op.Read) forgetData(bio);',
      '',
    ],
    [
      'bio',
      'clears more than the window',
      FAILED,
      'if (end > offset) bytes.fill(0, offset, end);',
      'bytes.fill(0);',
    ],
    [
      'bio',
      'clears the piece of a read that failed only',
      'a read of which one piece fails leaves zeroes in all of it',
      'if (bio.status !== Status.Ok && bio.op === Op.Read) forgetData(bio);',
      'if (bio.status !== Status.Ok && bio.op === Op.Read && bio.cut === 0) forgetData(bio);',
    ],
    [
      'bio',
      'clears only what failed with an I/O error',
      'killed, late and turned down reads leave zeroes too',
      'if (bio.status !== Status.Ok && bio.op === Op.Read) forgetData(bio);',
      'if (bio.status === Status.Io && bio.op === Op.Read) forgetData(bio);',
    ],
  ]),
];
