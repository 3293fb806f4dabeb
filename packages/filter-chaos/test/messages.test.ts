import { BioOp, Status } from '@interposer/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Setup } from './support.ts';

let setup: Setup;

async function start(words: string): Promise<void> {
  setup = await new Setup().start(words);
}

afterEach(() => setup.stop());

describe('states', () => {
  it('rules that fire change the state, and rules are there in their states only', async () => {
    await start(
      [
        'on write state=start sectors=0+1 do pass new-state=written',
        'on flush state=written do error=ENOSPC new-state=broken',
        'on any state=broken,gone do error',
      ].join(' '),
    );
    expect((await setup.send({ op: BioOp.Flush })).status).toBe(Status.Ok);
    expect(await setup.write(0, 1, 1)).toBe(Status.Ok);
    expect(await setup.message('state')).toBe('written');
    expect(await setup.read()).toBe(Status.Ok);
    expect((await setup.send({ op: BioOp.Flush })).status).toBe(Status.NoSpc);
    expect(await setup.read()).toBe(Status.Io);
    await setup.message('state start');
    expect(await setup.read()).toBe(Status.Ok);
    await setup.message('state gone');
    expect(await setup.read()).toBe(Status.Io);
    expect(await setup.args()).toMatch(/^seed=\d+ state=gone on write/);
  });

  it('next changes the state, and the rules behind it see the new one', async () => {
    await start(
      'state=a on read state=a do next new-state=b on read state=a do error=EPERM on read state=b do error=ENOSPC',
    );
    expect(await setup.read()).toBe(Status.NoSpc);
    expect(await setup.message('state')).toBe('b');
  });
});

describe('messages', () => {
  it('add answers ids, remove takes them out, rules tells of them', async () => {
    await start('on read do error');
    expect(await setup.message('add on write do drop on flush do pass')).toBe('2 3');
    await setup.message('remove 2');
    expect(await setup.message('add on write id=9 do pass')).toBe('9');
    expect(await setup.message('add on write do stall')).toBe('10');
    expect((await setup.message('rules')).split('\n').map((line) => line.split(' ')[0])).toEqual([
      '1',
      '3',
      '9',
      '10',
    ]);
    await setup.message('remove all');
    expect(await setup.message('rules')).toBe('');
    expect(await setup.read()).toBe(Status.Ok);
    expect(await setup.message('add on read do error')).toBe('1');
  });

  it('seed and reset: the run begins anew', async () => {
    await start(
      'seed=11 state=s on read probability=0.5 do error new-state=t on read after=5 do error=ENOSPC',
    );
    const first = await setup.reads(30);
    expect(await setup.status()).toMatch(/^seed=11 state=t fired=/);
    await setup.message('reset');
    expect(await setup.status()).toBe('seed=11 state=s fired=0 held=0 power=on');
    expect(await setup.reads(30)).toBe(first);
    await setup.message('seed 12');
    expect(await setup.message('seed')).toBe('12');
    expect(await setup.status()).toBe('seed=12 state=s fired=0 held=0 power=on');
    expect(await setup.reads(30)).not.toBe(first);
    await setup.message('seed 11');
    expect(await setup.reads(30)).toBe(first);
  });

  it('reset: time and bursts begin anew', async () => {
    await start('on read until=10 do error');
    setup.clock.advance(10);
    expect(await setup.read()).toBe(Status.Ok);
    await setup.message('reset');
    expect(await setup.read()).toBe(Status.Io);
  });

  it('without a seed there is one all the same, and it gives the same run', async () => {
    await start('on read probability=0.5 do error');
    const [, seed] = /^seed=(\d+) /.exec(await setup.status())!;
    const first = await setup.reads(50);
    expect(await setup.args()).toBe(`seed=${seed} on read probability=0.5 do error`);
    await setup.engine.swapFilter(setup.name, 'chaos', `chaos ${await setup.args()}`);
    expect(await setup.reads(50)).toBe(first);
  });

  it('what one rule draws makes no difference to another', async () => {
    await start('seed=3 on read probability=0.5 do error');
    const alone = await setup.reads(60);
    await setup.engine.swapFilter(
      setup.name,
      'chaos',
      'chaos seed=3 on read probability=0.5 do error on read probability=0.4 do next',
    );
    await setup.message('remove 2');
    await setup.message('add on write do rot');
    await setup.write(0, 1, 1);
    expect(await setup.reads(60)).toBe(alone);
  });

  it.each([
    ['', 'unknown message ""; messages: add [first] on ... do ..., remove ID|all, rules, state [NAME]'],
    ['relase', 'unknown message "relase"; messages'],
    ['resum all', 'unknown message "resum all"; did you mean resume?; messages'],
    ['add', '"add" must be: add [first] on ... do ...'],
    ['add seed=3', 'word 1 "seed=3": no such word at the start of a rule. Allowed: on'],
    ['add on read do stal', 'word 4 "stal": no such action; did you mean stall? Allowed'],
    ['remove', '"remove" must be: remove ID|all'],
    ['remove x', 'word 2 "x": "x" is not allowed: must be a whole number from 1 to'],
    ['remove 7', 'there is no rule 7; rules: 1'],
    ['rules all', '"rules all" must be: rules'],
    ['state a b', '"state a b" must be: state [NAME]'],
    ['state a/b', '"a/b" is not allowed'],
    ['seed x', 'word 2 "x": "x" is not allowed: must be a whole number from 0 to 4294967295'],
    ['resume a/b', 'must be a name of 1 to 64'],
    ['resume a 0', '"0" is not allowed'],
    ['wait', '"wait" must be: wait TAG [COUNT]'],
    ['wait all', '"all" is not allowed'],
    ['wait a 0', '"0" is not allowed'],
    ['power-cut keep=101', '"101" is not allowed: must be a number from 0 to 100'],
    ['power-cut keep=1 keep=1', 'keep is given twice'],
    ['power-cut kep=1', 'no such setting of power-cut; did you mean keep?'],
  ])('%s: no message', async (message, text) => {
    await start('on read do pass');
    await expect(setup.message(message)).rejects.toThrow(text);
    await expect(setup.message(message)).rejects.toMatchObject({
      code: text.includes('there is no rule') ? 'ENOENT' : 'EINVAL',
    });
  });
});
