import { Random } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { freshImages, type Images, load, Machine, type Note, SECTORS, valueAt } from './machine.ts';
import type { Tape } from './tape.ts';

/** What sectors may hold after so much of the tape; absent: what they held before, too. */
function allowedAfter(
  tape: Tape<Note>,
  length: number,
): Map<number, { values: number[]; isStable: boolean }> {
  const allowed = new Map<number, { values: number[]; isStable: boolean }>();
  for (const entry of tape.entries.slice(0, length)) {
    if (entry.kind !== 'note') continue;
    const { what, sector, count, value } = entry.note;
    for (let at = sector; at < sector + count; at++) {
      const { values, isStable } = allowed.get(at) ?? { values: [], isStable: false };
      if (what === 'sent') allowed.set(at, { values: [...values, value], isStable });
      else allowed.set(at, { values: values.slice(values.indexOf(value)), isStable: true });
    }
  }
  return allowed;
}

function check(tape: Tape<Note>, length: number, before: Images, after: Images): void {
  const [a, b] = [after.get('a')!, after.get('b')!];
  expect(Buffer.compare(a, b), `the legs differ after a crash behind entry ${String(length)}`).toBe(0);
  const allowed = allowedAfter(tape, length);
  for (let sector = 0; sector < SECTORS; sector++) {
    const { values, isStable } = allowed.get(sector) ?? { values: [], isStable: false };
    const found = valueAt(a, sector);
    const isOld =
      !isStable &&
      (found === valueAt(before.get('a')!, sector) || found === valueAt(before.get('b')!, sector));
    if (isOld || values.includes(found)) continue;
    expect.fail(
      `sector ${String(sector)} holds ${String(found)} after entry ${String(length)}, not ${values.join(' or ')}`,
    );
  }
}

describe.each([1, 2, 3])('crashes of run %d', (seed) => {
  it('at any moment leave legs that become the same, with all that was flushed', async () => {
    const random = new Random(seed);
    const before = freshImages(random);
    const machine = new Machine(before, 4);
    await load(machine, random);
    const { tape } = machine;
    expect(tape.entries.length).toBeGreaterThan(200);
    for (let length = seed % 2; length <= tape.entries.length; length += 2) {
      const crashed = tape.crash(length, random, random.pick([0, 0.5, 1]));
      const second = new Machine(crashed, 0);
      const after = await second.resync();
      check(tape, length, before, after);
    }
  });

  it('and then again at any moment of the resync leave legs that become the same', async () => {
    const random = new Random(seed);
    const machine = new Machine(freshImages(random), 4);
    await load(machine, random);
    const crashed = machine.tape.crash(Math.floor(machine.tape.entries.length / 2), random, 0.5);
    const second = new Machine(crashed, 2);
    const once = await second.resync();
    for (let length = 0; length <= second.tape.entries.length; length += 2) {
      const twice = await new Machine(second.tape.crash(length, random, 0.5), 0).resync();
      for (const name of ['a', 'b', 'log']) {
        expect(
          Buffer.compare(twice.get(name)!, once.get(name)!),
          `${name} after entry ${String(length)}`,
        ).toBe(0);
      }
    }
  });
});
