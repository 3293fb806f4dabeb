import { BioOp, Status } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Setup } from './support.ts';

let setup: Setup;

async function start(words: string): Promise<void> {
  setup = await new Setup().start(words);
}

afterEach(() => setup.stop());

/** What has ended, as `<name>@<time>`. */
function noting(): { ended: string[]; read: (name: string, sector?: number) => void } {
  const ended: string[] = [];
  return {
    ended,
    read: (name, sector = 0) => {
      void setup
        .send({ op: BioOp.Read, sector })
        .then(({ at, status }) => ended.push(`${name}@${at}${status === 0 ? '' : '!'}`));
    },
  };
}

/** Lets all that is settled be told. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('delay and latency', () => {
  it('each goes on at its own time; a shorter delay overtakes', async () => {
    await start(
      'on read sectors=0+1 do delay=10.5 on read sectors=1+1 do delay=3 on read sectors=2+1 do delay=0',
    );
    const { ended, read } = noting();
    read('a', 0);
    read('b', 1);
    read('c', 2);
    setup.clock.advance(1);
    read('d', 1);
    await settle();
    expect(ended).toEqual(['c@0']);
    setup.clock.advance(2.5);
    await settle();
    expect(ended).toEqual(['c@0', 'b@3']);
    expect(await setup.status()).toMatch(/ held=2 /);
    setup.clock.advance(20);
    await settle();
    // Timers count whole milliseconds and are rounded up.
    expect(ended).toEqual(['c@0', 'b@3', 'd@4', 'a@11']);
    expect(setup.clock.pending).toBe(0);
  });

  it('those that are due at one moment go in the order they came, with one timer for all', async () => {
    await start('on read do delay=5');
    const { ended, read } = noting();
    const names = Array.from({ length: 500 }, (_, i) => String(i));
    for (const name of names) read(name);
    expect(setup.clock.pending).toBe(1);
    setup.clock.advance(5);
    await settle();
    expect(ended).toEqual(names.map((name) => `${name}@5`));
  });

  it('latency: p50 = p99 is a fixed time, and a burst takes as long as its first', async () => {
    await start(
      'seed=1 on read sectors=0+1 do latency p50=7 p99=7 on read do latency p50=10 p99=5000 burst=4',
    );
    const { ended, read } = noting();
    read('a');
    for (let i = 0; i < 12; i++) read('b', 1);
    setup.clock.advance(100_000);
    await settle();
    expect(ended).toContain('a@7');
    const times = ended.filter((one) => one.startsWith('b'));
    expect(times).toHaveLength(12);
    const perBurst = [...new Set(times)].map((time) => times.filter((one) => one === time).length);
    expect(perBurst).toEqual([4, 4, 4]);
  });

  it('a day', async () => {
    await start('on read do delay=86400000');
    const { ended, read } = noting();
    read('a');
    setup.clock.advance(86_400_000);
    await settle();
    expect(ended).toEqual(['a@86400000']);
  });
});

describe('stall and break', () => {
  it('held until resumed, oldest first, all or so many', async () => {
    await start('on read sectors=0+8 do stall on read do break=late');
    const { ended, read } = noting();
    for (const name of ['a', 'b', 'c']) read(name, 0);
    read('x', 10);
    setup.clock.advance(1500);
    expect(await setup.message('held')).toBe(
      ['stall read 0+1 1500', 'stall read 0+1 1500', 'stall read 0+1 1500', 'late read 10+1 1500'].join('\n'),
    );
    expect(await setup.message('resume stall 1')).toBe('1');
    await settle();
    expect(ended).toEqual(['a@1500']);
    expect(await setup.message('resume nothing')).toBe('0');
    expect(await setup.message('resume late')).toBe('1');
    expect(await setup.message('resume all')).toBe('2');
    await settle();
    expect(ended).toEqual(['a@1500', 'x@1500', 'b@1500', 'c@1500']);
    expect(await setup.message('held')).toBe('');
  });

  it('resume all: in the order they came, whatever their tags; resume delay: what is delayed', async () => {
    await start('on read sectors=0+1 do break=one on read sectors=1+1 do break=two on read do delay=50');
    const { ended, read } = noting();
    for (const [name, sector] of [
      ['a', 1],
      ['b', 0],
      ['c', 2],
      ['d', 1],
      ['e', 2],
    ] as const)
      read(name, sector);
    expect(await setup.message('resume delay 1')).toBe('1');
    await settle();
    expect(ended).toEqual(['c@0']);
    expect(await setup.message('resume')).toBe('4');
    await settle();
    expect(ended).toEqual(['c@0', 'a@0', 'b@0', 'd@0', 'e@0']);
    expect(setup.clock.pending).toBe(0);
  });

  it('what is left of a delay after a part was resumed goes when it is due', async () => {
    await start('on read do delay=50');
    const { ended, read } = noting();
    for (const name of ['a', 'b', 'c']) read(name);
    await setup.message('resume delay 2');
    setup.clock.advance(50);
    await settle();
    expect(ended).toEqual(['a@0', 'b@0', 'c@50']);
  });

  it('breakpoints force an order of two writes', async () => {
    await start('on write nth=1 do break=first on write do break=second');
    const writes = Promise.all([setup.write(8, 1, 1), setup.write(8, 1, 2)]);
    expect(await setup.message('wait first')).toBe('1');
    expect(await setup.message('wait second')).toBe('1');
    expect(setup.versions(8, 1)).toBe('a');
    await setup.message('resume second');
    expect(setup.versions(8, 1)).toBe('c');
    await setup.message('resume first');
    expect(await writes).toEqual([Status.Ok, Status.Ok]);
    expect(setup.versions(8, 1)).toBe('b');
  });

  it('wait answers when so many are held, at once where they are', async () => {
    await start('on read do break=b');
    const answers: string[] = [];
    for (const count of [1, 2, 3])
      void setup.message(`wait b ${count}`).then((held) => answers.push(`${count}:${held}`));
    const { read } = noting();
    await settle();
    expect(answers).toEqual([]);
    read('a');
    await settle();
    expect(answers).toEqual(['1:1']);
    read('b');
    read('c');
    await settle();
    expect(answers).toEqual(['1:1', '2:2', '3:3']);
    expect(await setup.message('wait b')).toBe('3');
  });

  it('wait ends with an error when the filter goes', async () => {
    await start('on read do break=b');
    const waiting = setup.message('wait b');
    const wrong = expect(waiting).rejects.toMatchObject({
      code: 'ESHUTDOWN',
      message: 'filter chaos: detached before 1 requests were held at b',
    });
    await setup.engine.detachFilter(setup.name, 'chaos');
    await wrong;
  });
});

describe('edits', () => {
  it('let go of all that is held, and hold again afterwards', async () => {
    await start('on read sectors=0+1 do stall on read sectors=1+1 do break=b on read do delay=60000');
    const { ended, read } = noting();
    for (const sector of [1, 0, 2]) read(String(sector), sector);
    await setup.engine.attachFilter(setup.name, 'chaos@170001 on write do drop');
    await settle();
    expect(ended).toEqual(['1@0', '0@0', '2@0']);
    await setup.engine.detachFilter(setup.name, 'chaos@170001');
    for (const sector of [1, 0, 2]) read(String(sector), sector);
    await settle();
    expect(ended).toHaveLength(3);
    expect(await setup.status()).toMatch(/ held=3 /);
    await setup.engine.detachFilter(setup.name, 'chaos');
    await settle();
    expect(ended.slice(3)).toEqual(['1@0', '0@0', '2@0']);
    expect(setup.clock.pending).toBe(0);
  });

  it('hold nothing that comes to a closed gate from a filter above', async () => {
    await start('on write do stall');
    // This one reads before it writes, so that the write comes when both have let go already.
    await setup.engine.attachFilter(setup.name, 'chaos@170001 on read state=never do stale');
    setup.disk.hold();
    const write = setup.write(0, 1, 1);
    const detaching = setup.engine.detachFilter(setup.name, 'chaos@170001');
    await settle();
    setup.disk.release();
    expect(await write).toBe(Status.Ok);
    await detaching;
  });

  it('forced out, what it holds fails, and what it altered comes back as it was sent', async () => {
    await start('on read do stall on write do torn=1');
    const { ended, read } = noting();
    read('a');
    setup.disk.hold();
    const write = setup.write(0, 4, 1);
    const detaching = setup.engine.detachFilter(setup.name, 'chaos', { force: true });
    await settle();
    setup.disk.release();
    await detaching;
    // The support checks that the write is of four sectors again.
    expect(await write).toBe(Status.Ok);
    await settle();
    expect(ended).toEqual(['a@0!']);
  });

  it('a device that vanishes takes what is held along', async () => {
    await start('on read do stall on write do delay=10');
    const { ended, read } = noting();
    read('a');
    const write = setup.write(0, 1, 1);
    const waiting = expect(setup.message('wait x')).rejects.toMatchObject({ code: 'ESHUTDOWN' });
    await setup.engine.yank(setup.name);
    await waiting;
    expect(await write).toBe(Status.NoDev);
    await settle();
    expect(ended).toEqual(['a@0!']);
    setup.clock.advance(100);
    expect(setup.events.filter(({ kind }) => kind === 'fault')).toEqual([]);
  });
});
