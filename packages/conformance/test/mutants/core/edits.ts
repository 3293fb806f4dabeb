import { type Mutation, mutationsOf } from './mutation.ts';

const COMES = 'bios that come to a closed gate wait, and go on in the order they came';
const CHANGES = 'the stack changes only with the gate closed and nothing inside';
const TIMES_OUT = 'a drain that takes too long names the bio and its holder, and undoes the edit';
const WHICHEVER = 'whichever edit of a transaction fails, nothing is left of the others';
const CANNOT = 'a table that cannot start, and a filter without limits, change nothing';

/** Faults in how edits take effect and what they acquire. */
export const editMutations: readonly Mutation[] = [
  ...mutationsOf(1, [
    [
      'gate',
      'takes a device with bios inside for drained',
      CHANGES,
      'return this.inflight === (mayHold ? this.held : 0);',
      'return mayHold || this.inflight >= 0;',
    ],
    [
      'device-path',
      'lets bios pass a closed gate',
      COMES,
      'if (this.gate.closings > 0 && port',
      'if (this.gate.closings > 1 && port',
    ],
    [
      'gate',
      'lets the bio that came last go on first',
      COMES,
      'if (this.#tail === null) this.#head = bio;\n    else this.#tail.next = bio;\n    this.#tail = bio;',
      'bio.next = this.#head;\n    this.#head = bio;\n    this.#tail ??= bio;',
    ],
    [
      'block-device',
      'does not say who has the bio that is stuck',
      TIMES_OUT,
      '${bio.toString()} held by ${holderLabel(bio)}',
      '${bio.toString()}',
    ],
    [
      'quiesce',
      'leaves gates closed after a drain that failed',
      TIMES_OUT,
      'thaw(closed);\n    throw error;',
      'throw error;',
    ],
    [
      'quiesce',
      'gives each device its own time to drain',
      'a transaction has one time bound, reports what is stuck, and changes no device',
      'clock.after(Math.max(0, deadline - clock.now())',
      'clock.after(Math.max(timeout, deadline - clock.now())',
    ],
    [
      'transaction',
      'edits one device after the other',
      'edits of several devices take effect at one moment',
      'for (const [device, stack] of this.#stacks) device.replaceStack(stack);',
      '[...this.#stacks].forEach(([device, stack], at) => setTimeout(() => device.replaceStack(stack), at));\n    for (const [device, stack] of [...this.#stacks].slice(0, 1)) device.replaceStack(stack);',
    ],
    [
      'quiesce',
      'does not look again before it edits',
      'a bio that enters below a closed gate is waited for',
      'for (let busy = findBusy(devices, options); busy !== undefined; busy = findBusy(devices, options)) {',
      'for (const busy of [] as BlockDevice[]) {',
    ],
    [
      'quiesce',
      'does not ask filters for their bios',
      'filters are told to let go of their bios before the drain',
      'blaming(step, () => step.filter.presuspend?.());',
      'continue;',
    ],
    [
      'quiesce',
      'drains from the bottom',
      'a device and one below it drain from the top',
      'sort((a, b) => b.path.rank - a.path.rank)',
      'sort((a, b) => a.path.rank - b.path.rank)',
    ],
    [
      'gate',
      'loses bios that wait',
      'remaps and table swaps come and go under load, and no bio is lost',
      'dispatch(bio);\n      bio = next;',
      'dispatch(bio);\n      bio = null;',
    ],
  ]),
  ...mutationsOf(2, [
    [
      'filter-acquire',
      'leaves the port of a filter that could not be',
      'what can fail fails before the gate closes, and leaves nothing',
      'for (const other of [...opened, port]) other.close();',
      'for (const other of opened) other.close();',
    ],
    [
      'transaction',
      'closes the gate before it acquires',
      'bios go on while an edit acquires what it needs',
      'const step = await acquireFilter(',
      'device.gate.close();\n    const step = await acquireFilter(',
    ],
    [
      'device-lifecycle',
      'keeps what it acquired when a later edit fails',
      WHICHEVER,
      'await transaction.rollback();\n      throw error;',
      'throw error;',
    ],
    [
      'transaction',
      'gives up what was to leave when an edit fails',
      WHICHEVER,
      'await this.#release([...this.#arriving], [',
      'await this.#release([...this.#arriving, ...this.#leaving], [',
    ],
    [
      'transaction',
      'gives up no table when an edit fails',
      WHICHEVER,
      'this.#release([...this.#arriving], [...this.#tables.values()])',
      'this.#release([...this.#arriving], [])',
    ],
    [
      'transaction',
      'keeps what it acquired when the drain fails',
      'a drain that fails gives up all that was acquired',
      'await this.rollback();\n      throw error;',
      'throw error;',
    ],
    [
      'transaction',
      'attaches a filter that has no limits',
      CANNOT,
      'if (this.#arriving.has(step)) throw error;',
      'if (this.#forced.has(step)) throw error;',
    ],
    [
      'transaction',
      'swaps a table that cannot start',
      CANNOT,
      'await device.prepareSwap(table, this.#quiesceOptions);',
      'await device.prepareSwap(table, this.#quiesceOptions).catch(() => undefined);',
    ],
    [
      'transaction',
      'stops at the first filter that has something to say',
      'what is in place stays, whatever a filter that left says to it',
      'await releaseFilter(step).catch(note);',
      'await releaseFilter(step);',
    ],
    [
      'live-edits',
      'lets go of the old filter before it has the new one',
      'a swap whose new filter cannot be keeps the old one',
      'transaction.detach(step);\n    return transaction.attach',
      'device && step.device.replaceStack(step.device.stack.without(step));\n    return transaction.attach',
    ],
  ]),
];
