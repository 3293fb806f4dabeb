import assert from 'node:assert/strict';
import type { Edit, Random } from '@interposer/core';
import type { Case } from '../cases.ts';
import type { Rig } from '../rig.ts';
import { mapOver, refusedWithoutTrace, stackOf, tracer } from './contract-tools.ts';

/** How many stacks are built in the property case: a few hundred over all surroundings. */
const ROUNDS = 120;

/** Point 5 of the contract of the core: altitudes. The rig: a device over a disk, open as `rig.port`. */
export const orderCases: readonly Case[] = [
  {
    name: 'contract 5: a clash of altitudes is an error, and equal numbers clash however they are written',
    async run(rig) {
      await rig.wait(rig.engine.attachFilter(rig.device, 'pass@140000.50'));
      for (const spec of ['pass@0140000.5', 'pass@140000.5', 'pass@140000.500'])
        await refusedWithoutTrace(rig, () => rig.engine.attachFilter(rig.device, spec), 'EBUSY');
      await rig.wait(rig.engine.attachFilter(rig.device, 'pass@140000.51'));
    },
  },
  {
    name: 'contract 5: a clash inside a transaction, or with a remap, is an error too',
    async run(rig) {
      const { engine, device } = rig;
      const attach = (filter: string): Edit => ({ kind: 'attach', device, filter });
      const twice = [attach('pass@7'), attach('pass@8'), attach('pass@7.0')];
      await refusedWithoutTrace(rig, () => engine.transaction(twice), 'EBUSY');
      await mapOver(rig, 'donor', device);
      await rig.wait(engine.startRemap('donor', device, { altitude: '70' }));
      await refusedWithoutTrace(rig, () => engine.attachFilter(device, 'pass@70'), 'EBUSY');
      await rig.wait(engine.finishRemap('donor'));
      await rig.wait(engine.attachFilter(device, 'pass@70'));
      const again = (): Promise<unknown> => engine.startRemap('donor', device, { altitude: '70' });
      await refusedWithoutTrace(rig, again, 'EBUSY');
      // What goes in the same transaction makes room.
      await rig.wait(engine.transaction([{ kind: 'detach', device, filter: '70' }, attach('pass@70.0')]));
    },
  },
  {
    name: 'contract 5: the order is that of the altitudes, whoever came first, and reversed on the way up',
    async run(rig) {
      const trace: string[] = [];
      rig.engine.registry.add(tracer('tracer', '1', trace));
      for (const altitude of ['9.25', '9', '9.3', '100'])
        await rig.wait(rig.engine.attachFilter(rig.device, `tracer@${altitude}`));
      await rig.read(0, 8);
      assert.deepEqual(trace, thereAndBack(['100', '9.3', '9.25', '9']));
    },
  },
  {
    name: `contract 5: ${String(ROUNDS)} random orders of attach, detach and swap give the same stack`,
    async run(rig) {
      const trace: string[] = [];
      rig.engine.registry.add(tracer('t', '1', trace), tracer('u', '1', trace));
      const before = stackOf(rig.port.device);
      for (let round = 0; round < ROUNDS; round++) await buildAtRandom(rig, trace, before);
    },
  },
];

/** Attaches filters at random altitudes in random order, some in one transaction, some after a detour, and takes them out. */
async function buildAtRandom(rig: Rig, trace: string[], before: readonly string[]): Promise<void> {
  const { engine, device, random } = rig;
  const altitudes = distinctAltitudes(random);
  const left = shuffled(altitudes, random);
  while (left.length > 0) {
    const some = left.splice(0, random.between(1, 3));
    const edits = some.map((at): Edit => ({
      kind: 'attach',
      device,
      filter: `${random.pick(['t', 'u'])}@${at}`,
    }));
    await rig.wait(engine.transaction(edits));
    const at = random.pick(some);
    if (random.chance(0.3)) await swapOver(rig, at);
    if (random.chance(0.2)) left.push(await takeOut(rig, at));
    if (random.chance(0.2) && !left.includes(at))
      await assert.rejects(
        rig.wait(engine.attachFilter(device, `pass@${at}0`.replace(/^(pass@\d+)0$/, '$1.0'))),
        {
          code: 'EBUSY',
        },
      );
  }
  const expected = [...altitudes].sort((a, b) => (sortKey(a) < sortKey(b) ? 1 : -1));
  trace.length = 0;
  await rig.read(0, 8);
  assert.deepEqual(trace, thereAndBack(expected));
  for (const at of shuffled(altitudes, random)) await takeOut(rig, at);
  assert.deepEqual(stackOf(rig.port.device), before);
}

async function takeOut(rig: Rig, altitude: string): Promise<string> {
  await rig.wait(rig.engine.detachFilter(rig.device, altitude));
  return altitude;
}

/** Another filter at the same altitude, by way of another one, and once without a word of the altitude. */
async function swapOver(rig: Rig, altitude: string): Promise<void> {
  const { engine, device } = rig;
  await rig.wait(engine.swapFilter(device, altitude, 't@1000000'));
  await rig.wait(engine.swapFilter(device, '1000000', `u@${altitude}`));
  await rig.wait(engine.swapFilter(device, altitude, 't'));
}

/** Two to seven decimal numbers below 1000000, none twice, none that the surroundings use, in their shortest form. */
function distinctAltitudes(random: Random): string[] {
  const found = new Map<string, string>();
  const wanted = random.between(2, 7);
  while (found.size < wanted) {
    const whole = String(random.below(random.pick([10, 30, 1000, 190000])));
    const digits = Array.from({ length: random.pick([0, 0, 1, 3, 20]) }, () => String(random.below(10))).join(
      '',
    );
    const fraction = digits.replace(/0+$/, '');
    const altitude = fraction === '' ? whole : `${whole}.${fraction}`;
    found.set(sortKey(altitude), altitude);
  }
  return [...found.values()];
}

/** A text that sorts as the number does. */
function sortKey(altitude: string): string {
  const [whole = '', fraction = ''] = altitude.split('.');
  return `${whole.padStart(8, '0')}.${fraction.padEnd(24, '0')}`;
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}

function thereAndBack(altitudes: readonly string[]): string[] {
  return [...altitudes.map((at) => `pre ${at}`), ...[...altitudes].reverse().map((at) => `post ${at}`)];
}
