import type { Case } from './cases.ts';
import { dataCases, flushCases, zeroingCases } from './cases/data.ts';
import { failureCases, stabilityCases } from './cases/failure.ts';
import { frontendCases, type Served } from './cases/frontend.ts';
import { ClientDisk } from './disk.ts';
import type { FrontendPlug } from './plugs.ts';
import type { Rig } from './rig.ts';
import type { TestRunner } from './runner.ts';
import { runSuite } from './suite.ts';
import type { ChaosOptions } from './tools/chaos-disk.ts';

const DEFAULT_SECTORS = 1024;
const DEFAULT_TIMEOUT = 10_000;

/** Registers the suite for a frontend: its client is held to what a device is held to. Sockets are real, and so is time. */
export function frontendSuite(runner: TestRunner, plug: FrontendPlug): void {
  const served: Served = new WeakMap();
  const cases: readonly Case[] = [
    ...dataCases,
    ...zeroingCases,
    ...flushCases,
    ...failureCases,
    ...stabilityCases,
    ...frontendCases(served),
  ];
  const build =
    (options: Partial<ChaosOptions>, filters: readonly string[] = []) =>
    (rig: Rig): Promise<void> =>
      serve(rig, plug, served, options, filters);
  runSuite(runner, {
    subject: `frontend ${plug.name}`,
    variants: [
      { name: 'plain', cases, build: build({}) },
      { name: 'under a pass-through filter', cases, build: build({}, ['pass']) },
      {
        name: 'over a late and reordering disk',
        cases,
        build: build({ delay: 2, limits: { maxSectors: 24 } }),
      },
    ],
    rig: { types: [], realTime: plug.timeout ?? DEFAULT_TIMEOUT },
  });
}

async function serve(
  rig: Rig,
  plug: FrontendPlug,
  served: Served,
  options: Partial<ChaosOptions>,
  filters: readonly string[],
): Promise<void> {
  const sectors = plug.sectors ?? DEFAULT_SECTORS;
  await rig.open(rig.addDisk({ sectors, volatile: true, ...options }), 'kept');
  for (const spec of filters) await rig.wait(rig.engine.attachFilter(rig.device, spec));
  const client = await rig.wait(plug.serve(rig.port));
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= client.close());
  served.set(rig, { client, close, serve: plug.serve });
  rig.beforeFinish.push(close);
  rig.use(rig.port, new ClientDisk(client, rig.port));
}
