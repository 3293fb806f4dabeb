import { type Mutation, mutationsOf } from './mutation.ts';

const ARRIVES = 'a device that arrives gets its filters lowest first, before its first bio';
const ORDERLY = 'an orderly removal detaches highest first, and a veto is heard';
const SURPRISE = 'a surprise removal detaches lowest first, asks nobody, and fails what is pending';

/** Faults in how devices come and go. */
export const arrivalMutations: readonly Mutation[] = mutationsOf(7, [
  [
    'filter-rules',
    'attaches by rules highest first',
    ARRIVES,
    'compareAltitudes(a.altitude, b.altitude)',
    'compareAltitudes(b.altitude, a.altitude)',
  ],
  [
    'leaf-devices',
    'serves before the filters are there',
    ARRIVES,
    'if (byRules) await this.#context.arrived(device);',
    'if (byRules) setTimeout(() => void this.#context.arrived(device).catch(() => undefined), 20);',
  ],
  [
    'device-lifecycle',
    'has no rules for mapped devices',
    'a mapped device arrives with its first table, and only then',
    'const arrives = device.live === null && device.inactive !== null;',
    'const arrives = device.live === null && device.inactive === undefined;',
  ],
  [
    'leaf-devices',
    'serves without a filter that could not be',
    'a device that cannot get its filter does not arrive',
    'if (byRules) await this.#context.arrived(device);',
    'if (byRules) await this.#context.arrived(device).catch(() => undefined);',
  ],
  [
    'device-lifecycle',
    'takes filters away lowest first',
    ORDERLY,
    'for (const step of [...device.stack.steps]) {',
    'for (const step of [...device.stack.steps].reverse()) {',
  ],
  ['transaction', 'hears no veto', ORDERLY, 'if (veto !== undefined)', "if (veto === '')"],
  [
    'leaf-devices',
    'keeps filters that came by a rule',
    'filters that came by a rule go highest first with the last user',
    'await this.#context.departing(device);\n    } catch (error) {\n      // A filter',
    '} catch (error) {\n      // A filter',
  ],
  [
    'device-lifecycle',
    'takes the filters of a lost device away highest first',
    SURPRISE,
    'for (const step of [...device.stack.steps].reverse()) {',
    'for (const step of [...device.stack.steps]) {',
  ],
  ['device-lifecycle', 'leaves bios with the filters of a lost device', SURPRISE, 'device.failHeld();', ''],
  ['block-device', 'serves when it is lost', SURPRISE, 'this.path.refusal = Status.NoDev;\n', ''],
  [
    'transaction',
    'asks a filter that goes by force',
    'force detaches a filter that objects, without asking',
    'if (!force) askToDetach(step);',
    'askToDetach(step);',
  ],
  [
    'device-path',
    'leaves bios at the gate of a lost device',
    'a surprise removal fails the bios that wait at a closed gate',
    'for (const bio of this.gate.takeParked()) bio.complete(status);',
    '',
  ],
]);
