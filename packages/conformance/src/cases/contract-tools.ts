import assert from 'node:assert/strict';
import {
  bioPool,
  type BlockDevice,
  EndResult,
  type Filter,
  type FilterContext,
  type FilterType,
  type Port,
  PreResult,
} from '@interposer/core';
import type { Rig } from '../rig.ts';
import { scriptedFilter } from '../tools/scripted.ts';

/** The stack of a device as `type@altitude`, highest first. */
export function stackOf({ stack }: BlockDevice): string[] {
  return stack.steps.map(({ type, altitude }) => `${type.name}@${altitude}`);
}

/** All that an edit which was undone could have left behind. */
export async function stateOf(rig: Rig): Promise<unknown> {
  const { engine } = rig;
  const devices = engine.devices().map((device) => ({
    name: device.name,
    stack: stackOf(device),
    ports: device.ports.size,
    limits: { ...device.limits },
    rank: device.path.rank,
    closed: device.gate.closed,
  }));
  const tables = (await engine.list()).map(async ({ name }) => ({
    name,
    live: await engine.table(name),
    inactive: await engine.table(name, { inactive: true }),
  }));
  return {
    devices: devices.sort((a, b) => (a.name < b.name ? -1 : 1)),
    tables: await Promise.all(tables),
    remaps: await engine.remaps(),
    bios: bioPool.outstanding,
    timers: rig.clock?.pending,
  };
}

/** Runs something that is to be refused with a code, and proves that it changed nothing. */
export async function refusedWithoutTrace(
  rig: Rig,
  work: () => Promise<unknown>,
  code: string,
): Promise<void> {
  const before = await stateOf(rig);
  await rig.wait(assert.rejects(work(), { code }));
  assert.deepEqual(await stateOf(rig), before, 'an edit that was refused left something behind');
}

/** A filter type that notes when it sees a bio, on both ways. */
export function tracer(name: string, altitude: string, trace: string[]): FilterType {
  return scriptedFilter(name, altitude, (context) => ({
    pre: () => {
      trace.push(`pre ${context.altitude}`);
      return PreResult.Watch;
    },
    post: () => {
      trace.push(`post ${context.altitude}`);
      return EndResult.Done;
    },
  }));
}

/** A filter type with one argument, a device, whose port it is given. */
export function userFilter(
  name: string,
  altitude: string,
  attach: (context: FilterContext, other: Port) => Partial<Filter> = () => ({}),
): FilterType {
  return scriptedFilter(name, altitude, (context, { device }) => attach(context, device as Port), {
    params: [{ name: 'device', kind: 'device', about: 'a device it uses' }],
  });
}

/** One more disk of the kit, as large as the device under test, open until the case is over. */
export async function openSpare(rig: Rig): Promise<{ port: Port; name: string }> {
  const name = rig.addDisk({ sectors: rig.disk.sectors });
  const port = await rig.wait(rig.engine.open(name, { claim: 'noexcl' }));
  rig.beforeFinish.push(async () => {
    port.close();
  });
  return { port, name };
}

/** A mapped device over all of another one, which it does not claim. */
export async function mapOver(rig: Rig, name: string, device: string): Promise<void> {
  const table = `0 ${String(rig.disk.sectors)} span ${device} 0 noexcl`;
  await rig.wait(rig.engine.create(name, { table }));
}
