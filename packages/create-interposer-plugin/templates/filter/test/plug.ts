import type { FilterPlug } from '@interposer/conformance';
import { pluginNameFilter } from '../src/index.ts';

/** What the conformance kit has to know of the filter: here, only what to attach it with. */
const plug: FilterPlug = { type: pluginNameFilter, args: () => 'limit=1T' };

/** For `interposer-conformance`, which takes the types that a module exports, and hints by the name of the type. */
export { pluginNameFilter };
export const conformance: Record<string, FilterPlug> = { [pluginNameFilter.name]: plug };
