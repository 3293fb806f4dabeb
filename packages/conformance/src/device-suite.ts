import type { Case } from './cases.ts';
import { boundsCases, completionCases, windowCases } from './cases/bio.ts';
import { dataCases, flushCases, zeroingCases } from './cases/data.ts';
import { type DeviceRig, deviceCases } from './cases/device.ts';
import { lifecycleCases, portCases } from './cases/lifecycle.ts';
import type { DevicePlug } from './plugs.ts';
import type { Rig } from './rig.ts';
import type { TestRunner } from './runner.ts';
import { runSuite, type Variant } from './suite.ts';

const DEFAULT_SECTORS = 1024;
const DEFAULT_TIMEOUT = 10_000;

/** Registers the suite for a driver type. Drivers do real I/O: time is the machine's. */
export function deviceSuite(runner: TestRunner, plug: DevicePlug): void {
  const subject: DeviceRig = {
    plug,
    sectors: plug.sectors ?? DEFAULT_SECTORS,
    create: (rig) => create(rig, plug),
  };
  runSuite(runner, {
    subject: `device ${plug.type.name}`,
    variants: variantsOf(subject),
    rig: { types: [plug.type], realTime: plug.timeout ?? DEFAULT_TIMEOUT },
  });
}

function variantsOf(subject: DeviceRig): Variant[] {
  const shared: readonly Case[] = [
    ...dataCases,
    ...zeroingCases,
    ...flushCases,
    ...boundsCases,
    ...windowCases,
    ...completionCases,
    ...portCases,
  ];
  return [
    {
      name: 'plain',
      cases: [...shared, ...deviceCases(subject)],
      build: async (rig) => rig.open(await subject.create(rig), 'kept'),
    },
    {
      name: 'under a pass-through filter',
      cases: shared,
      build: async (rig) => {
        await rig.open(await subject.create(rig), 'kept');
        await rig.wait(rig.engine.attachFilter(rig.device, 'pass'));
      },
    },
    {
      name: 'under a mapped device',
      cases: [...shared, ...lifecycleCases],
      build: async (rig) => {
        const table = `0 ${String(subject.sectors)} span ${await subject.create(rig)} 0`;
        await rig.wait(rig.engine.create('upper', { table }));
        await rig.open('upper', 'kept');
      },
    },
  ];
}

/** A new device of the type; its spec. */
async function create(rig: Rig, plug: DevicePlug): Promise<string> {
  const { spec, cleanup } = await rig.wait(Promise.resolve(plug.create(plug.sectors ?? DEFAULT_SECTORS)));
  if (cleanup !== undefined) rig.cleanups.push(cleanup);
  return spec;
}
