import type { DevicePlug } from '@interposer/conformance';
import { pluginNameDevice } from '../src/index.ts';

/** What the conformance kit has to know of the device: how to make a new one of a size, reading as zeroes. */
const plug: DevicePlug = {
  type: pluginNameDevice,
  create: (sectors) => ({ spec: `plugin-name:${String(sectors * 512)}` }),
};

/** For `interposer-conformance`, which takes the types that a module exports, and hints by the name of the type. */
export { pluginNameDevice };
export const conformance: Record<string, DevicePlug> = { [pluginNameDevice.name]: plug };
