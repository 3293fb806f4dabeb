import { expect, it } from 'vitest';
import { Alarm } from '../src/index.ts';
import { VirtualClock } from './support/clock.ts';

function setUp(): { clock: VirtualClock; alarm: Alarm; rung: number[] } {
  const clock = new VirtualClock();
  const rung: number[] = [];
  const alarm = new Alarm(clock, () => void rung.push(clock.now()));
  return { clock, alarm, rung };
}

it('rings once, for the earliest time it was asked for', () => {
  const { clock, alarm, rung } = setUp();
  for (const due of [20, 10, 30]) alarm.wakeAt(due, clock.now());
  expect(clock.pending).toBe(1);
  clock.advance(9);
  expect(rung).toEqual([]);
  clock.advance(1);
  expect(rung).toEqual([10]);
  expect(clock.pending).toBe(0);
});

it('is never early, and waits a millisecond at least', () => {
  const { clock, alarm, rung } = setUp();
  alarm.wakeAt(1.2, 0);
  clock.advance(2);
  alarm.wakeAt(clock.now(), clock.now());
  clock.advance(1);
  expect(rung).toEqual([2, 3]);
});

it('rings before a time that no timer reaches', () => {
  const { clock, alarm, rung } = setUp();
  alarm.wakeAt(2 ** 40, 0);
  clock.advance(2 ** 31 - 1);
  expect(rung).toEqual([2 ** 31 - 1]);
});

it('is silent after it was stopped, until it is asked again', () => {
  const { clock, alarm, rung } = setUp();
  alarm.wakeAt(10, 0);
  alarm.stop();
  clock.advance(10);
  alarm.wakeAt(20, clock.now());
  clock.advance(10);
  expect(rung).toEqual([20]);
});
