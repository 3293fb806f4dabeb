import type { TargetPlug } from '@interposer/conformance';
import { pluginNameTarget } from '../src/index.ts';

/** What the conformance kit has to know of the target: the arguments to try it with, over a disk of the kit. */
const plug: TargetPlug = { type: pluginNameTarget, table: ([disk = '']) => `${disk} 8 90` };

/** For `interposer-conformance`, which takes the types that a module exports, and hints by the name of the type. */
export { pluginNameTarget };
export const conformance: Record<string, TargetPlug> = { [pluginNameTarget.name]: plug };
