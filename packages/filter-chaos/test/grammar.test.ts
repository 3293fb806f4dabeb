import { Random } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { parseArguments } from '../src/grammar.ts';
import { parseRules, ruleText } from '../src/index.ts';
import { Setup } from './support.ts';

/** What each text is written as. */
const SAME = [
  'on read do error=EIO',
  'on any do error=ENOSPC',
  'on read,write,flush do error=71',
  'on write sectors=0+2048 nth=3 do error=EIO',
  'on read id=7 state=a,b-2,_.x sectors=8+1 count=1-8 flags=fua from=10.5 until=20 after=3 every=2 times=4 probability=0.25 do stall',
  'on write once do break=first new-state=second',
  'on flush do delay=1500',
  'on read do latency p50=1 p99=250.5 burst=16',
  'on write do torn',
  'on write,discard,write-zeroes do torn=3 ack=no',
  'on write do torn ack=yes',
  'on write,flush,discard,write-zeroes do drop',
  'on write do cache',
  'on flush do power-cut',
  'on flush do power-cut for=500 keep=50 torn=12.5',
  'on read do misdirect=+8',
  'on read,write,discard,write-zeroes do misdirect=-1',
  'on read do misdirect=random',
  'on read,write do rot bits=4096 at=0',
  'on read do stale',
  'on any flags=plain do pass',
  'on any probability=1e-7 do next new-state=late',
];

describe('words and rules', () => {
  it.each(SAME)('%s', (text) => {
    const [rule] = parseRules(text);
    expect(ruleText(rule!)).toBe(text);
    expect(parseRules(text.split(' '))).toEqual([rule]);
  });

  it.each([
    ['on write,read do error', 'on read,write do error'],
    ['on read,any do pass', 'on any do pass'],
    ['on read,write,flush,discard,write-zeroes do pass', 'on any do pass'],
    ['on read times=1 do stall', 'on read once do stall'],
    ['on read sectors=8-15 do stall', 'on read sectors=8+8 do stall'],
    ['on read sectors=8 do stall', 'on read sectors=8+1 do stall'],
    ['on read count=8-8 do stall', 'on read count=8 do stall'],
    ['on read state=a,a do stall', 'on read state=a do stall'],
    ['on write flags=no-unmap,fua do stall', 'on write flags=fua,no-unmap do stall'],
    ['on read do error=28', 'on read do error=ENOSPC'],
    ['on read do error=EOPNOTSUPP', 'on read do error=ENOTSUP'],
    ['on read once nth=2 do stall', 'on read nth=2 once do stall'],
  ])('%s is %s', (text, canonical) => {
    expect(ruleText(parseRules(text)[0]!)).toBe(canonical);
  });

  it('several rules', () => {
    expect(parseRules('on read do stall on write do drop new-state=x on any do pass').map(ruleText)).toEqual([
      'on read do stall',
      'on write do drop new-state=x',
      'on any do pass',
    ]);
    expect(parseRules('')).toEqual([]);
  });

  it('a header in front of them, in any order', () => {
    expect(parseArguments('state=x history=64K seed=4294967295 on read do stall'.split(' '))).toMatchObject({
      seed: 4294967295,
      state: 'x',
      history: 65_536,
      rules: [{ on: ['read'], action: { kind: 'stall' } }],
    });
  });

  it('2,000 random rules: the same after text and back', () => {
    const random = new Random(1);
    for (let i = 0; i < 2000; i++) {
      const text = randomRule(random);
      const [rule] = parseRules(text);
      expect(parseRules(ruleText(rule!))).toEqual([rule]);
      expect(ruleText(parseRules(ruleText(rule!))[0]!)).toBe(ruleText(rule!));
    }
  });

  it('what a filter tells of its words attaches it again with the same words', async () => {
    const random = new Random(2);
    for (let i = 0; i < 20; i++) {
      const setup = await new Setup().start(`seed=${i} state=s${i} history=1M`);
      const rules = Array.from({ length: 10 }, () => randomRule(random).replace(/ id=\d+/, ''));
      await setup.message(`add ${rules.join(' ')}`);
      for (const id of [3, 10, 1]) await setup.message(`remove ${id}`);
      await setup.message('add on read id=40 do pass on read do stall');
      const args = await setup.args();
      const ids = (await setup.message('rules')).split('\n').map((line) => line.split(' ')[0]);
      expect(ids).toEqual(['2', '4', '5', '6', '7', '8', '9', '40', '41']);
      await setup.engine.swapFilter(setup.name, 'chaos', `chaos ${args}`);
      expect(await setup.args()).toBe(args);
      expect((await setup.message('rules')).split('\n').map((line) => line.split(' ')[0])).toEqual(ids);
      await setup.stop();
    }
  });
});

describe('what is no rule', () => {
  it.each([
    ['on', 'the words end at word 1 "on": on must be followed by operations joined by commas'],
    [
      'on reed do stall',
      'word 2 "reed": no such operation; did you mean read? Allowed: read, write, flush, discard, write-zeroes, any',
    ],
    ['on read,rite do stall', 'word 2 "rite": no such operation; did you mean write?'],
    ['on read', 'the words end at word 2 "read": the conditions must be followed by do and an action'],
    ['on read do', 'the words end at word 3 "do": do must be followed by an action'],
    ['on read stall', 'word 3 "stall": no such condition. Allowed: id, state, sectors'],
    ['on read prob=0.5 do stall', 'word 3 "prob=0.5": no such condition; did you mean probability?'],
    ['on read sector=3 do stall', 'word 3 "sector=3": no such condition; did you mean sectors?'],
    ['on read nth do stall', 'word 3 "nth": a value is missing: must be a whole number from 1 to'],
    ['on read nth=0 do stall', 'word 3 "nth=0": "0" is not allowed: must be a whole number from 1 to'],
    ['on read nth=1 every=2 do stall', 'word 1 "on": its rule may have nth or every, not both'],
    ['on read nth=1 nth=1 do stall', 'word 4 "nth=1": nth is given twice'],
    ['on read once times=3 do stall', 'word 4 "times=3": times is given twice'],
    [
      'on read probability=1.5 do stall',
      '"1.5" is not allowed: must be a number from 0 to 1, such as 1 or 0.5',
    ],
    [
      'on read sectors=8-7 do stall',
      '"8-7" is not allowed: must be <first>+<count>, <first>-<last> or <sector>',
    ],
    ['on read sectors=8+0 do stall', '"8+0" is not allowed'],
    ['on read count=0 do stall', '"0" is not allowed: must be <sectors> or <least>-<most>'],
    [
      'on read flags=fua,plain do stall',
      'must be one or more of fua, no-unmap, plain, joined by commas; plain alone',
    ],
    ['on read from=20 until=10 do stall', 'word 1 "on": in its rule until=10 must be later than from=20'],
    ['on flush sectors=1 do stall', 'a flush has neither sectors nor count'],
    ['on read state=a/b do stall', '"a/b" is not allowed: must be names joined by commas'],
    ['on read do stal', 'word 4 "stal": no such action; did you mean stall?'],
    ['on read do stall=3', 'word 4 "stall=3": stall takes no value'],
    ['on read do error=EFOO', 'word 4 "error=EFOO": "EFOO" is not allowed: must be E2BIG, EACCES, EAGAIN'],
    ['on read do error=0', 'or a number from 1 to 4095'],
    ['on read do break', 'word 4 "break": a value is missing: must be a name of 1 to 64'],
    [
      'on read do break=all',
      '"all" is not allowed: must be a name of 1 to 64 letters, digits, dots, dashes and underscores, and none of all, delay, stall',
    ],
    ['on read do delay', 'word 4 "delay": a value is missing'],
    ['on read do latency p50=1', 'word 4 "latency": latency needs p99'],
    ['on read do latency p50=2 p99=1', 'word 4 "latency": p99=1 must be at least p50=2'],
    ['on read do latency p50=0 p99=1', '"0" is not allowed: must be a number from 0.001 to'],
    ['on read do torn', 'word 4 "torn": torn cannot be done to read, only to write, discard, write-zeroes'],
    ['on any do stale', 'stale cannot be done to write, flush, discard, write-zeroes, only to read'],
    ['on write do torn ack=maybe', 'word 5 "ack=maybe": "maybe" is not allowed: must be yes or no'],
    [
      'on write do torn sectors=3',
      'word 5 "sectors=3": no such setting of torn. Allowed: ack, new-state, on',
    ],
    [
      'on write do drop newstate=3',
      'no such setting of drop; did you mean new-state? Allowed: new-state, on',
    ],
    ['on read do rot bits=1 bits=2', 'word 6 "bits=2": bits is given twice'],
    ['on read do misdirect=8', 'must be +<sectors>, -<sectors> or random'],
    ['on read do stall do drop', 'word 5 "do": no such setting of stall'],
    ['read do stall', 'word 1 "read": no such option. Allowed: seed, state, history, on'],
    ['sead=3', 'word 1 "sead=3": no such option; did you mean seed?'],
    ['seed=1 seed=2', 'word 2 "seed=2": seed is given twice'],
    ['seed=4294967296', '"4294967296" is not allowed: must be a whole number from 0 to 4294967295'],
    ['history=1', '"1" is not allowed: must be a size from 4K to 1G'],
    ['on read id=1 do stall on read id=1 do stall', 'there is a rule 1 already'],
  ])('%s', async (words, text) => {
    const setup = new Setup();
    setup.port = await setup.engine.open('chaos:a');
    const attaching = setup.engine.attachFilter(setup.name, `chaos ${words}`);
    await expect(attaching).rejects.toThrow(text);
    await setup.stop();
  });

  it('a thousand rules and one', () => {
    const rules = (count: number): string => Array.from({ length: count }, () => 'on read do pass').join(' ');
    expect(parseRules(rules(1000))).toHaveLength(1000);
    expect(() => parseRules(rules(1001))).toThrow('more than 1000 rules');
  });
});

function randomRule(random: Random): string {
  const maybe = (text: () => string): string => (random.chance(0.3) ? ` ${text()}` : '');
  const number = (most: number): string => String(random.between(1, most));
  const [ops, action] = random.pick<readonly [ops: string, action: string]>([
    ['read', `error=${random.between(1, 4095)}`],
    ['any', 'stall'],
    ['flush,read', `break=t${number(9)}`],
    ['any', `delay=${number(1000)}.5`],
    ['any', `latency p50=${number(9)} p99=${random.between(9, 99)}${maybe(() => `burst=${number(9)}`)}`],
    ['write,discard', `torn${random.pick(['', '=3', '=0'])}${maybe(() => 'ack=no')}`],
    ['flush,write', 'drop'],
    ['write', 'cache'],
    [
      'any',
      `power-cut${maybe(() => `for=${number(99)}`)}${maybe(() => `keep=${number(99)}`)}${maybe(() => 'torn=0.5')}`,
    ],
    ['read,write', `misdirect${random.pick(['', '=+3', '=-12', '=random'])}`],
    ['read,write', `rot${maybe(() => `bits=${number(4096)}`)}${maybe(() => `at=${number(512)}`)}`],
    ['read', 'stale'],
    ['write', 'pass'],
    ['any', 'next'],
  ]);
  const place =
    ops === 'flush' ? '' : maybe(() => `sectors=${number(1e9)}${random.pick(['', '+8', '-2000000000'])}`);
  return [
    `on ${ops}${maybe(() => `id=${number(1000)}`)}${maybe(() => `state=${random.pick(['a', 'b,c'])}`)}${place}`,
    maybe(() => `count=${random.pick(['1', '1-8', '7-7'])}`),
    maybe(() => `flags=${random.pick(['fua', 'plain', 'no-unmap,fua'])}`),
    maybe(() => `from=${number(100)}.25`),
    maybe(() => `until=${random.between(102, 999)}`),
    maybe(() => `after=${number(99)}`),
    maybe(() => random.pick([`nth=${number(99)}`, `every=${number(9)}`])),
    maybe(() => random.pick(['once', `times=${number(3)}`])),
    maybe(() => `probability=${random.next()}`),
    ` do ${action}`,
    maybe(() => `new-state=${random.pick(['a', 'x.y'])}`),
  ].join('');
}
