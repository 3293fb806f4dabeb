import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Claim, describeParams, fail, type Param, parseArgs, type Port } from '../src/index.ts';
import { Rig } from './support/rig.ts';

let rig: Rig;
let opened: [string, Claim, mode?: 'read' | 'write'][];

beforeEach(() => {
  rig = new Rig();
  rig.disks.add('a');
  opened = [];
});

afterEach(() => rig.finish());

async function open(spec: string, claim: Claim, mode?: 'read' | 'write'): Promise<Port> {
  opened.push(mode === undefined ? [spec, claim] : [spec, claim, mode]);
  if (spec === 'odd') throw new Error('odd device');
  if (spec.startsWith('no')) throw fail('ENXIO', `no device ${spec}`);
  return rig.open('disk:a');
}

function parse(
  params: readonly Param[],
  text: string,
  countError?: string,
): Promise<Record<string, unknown>> {
  return parseArgs(params, text.split(' ').filter(Boolean), open, 'table line 1: t', countError);
}

const ABOUT = { about: '' };
const DEVICE: Param = { name: 'device', kind: 'device', claim: 'claim', ...ABOUT };
const OFFSET: Param = { name: 'offset', kind: 'sector', error: 'Invalid device sector', ...ABOUT };
const CLAIM: Param = { name: 'claim', kind: 'claim', optional: true, ...ABOUT };
const LINEAR = [DEVICE, OFFSET, CLAIM];
const MODE: Param = { name: 'mode', kind: 'choice', values: ['on', 'off'], ...ABOUT };
const STRIPES: readonly Param[] = [
  { name: 'stripes', kind: 'uint', min: 1, max: 8, ...ABOUT },
  {
    name: 'legs',
    kind: 'repeat',
    times: 'stripes',
    error: 'Not enough destinations specified',
    of: [
      { name: 'device', kind: 'device', error: "Couldn't parse stripe destination", ...ABOUT },
      { name: 'offset', kind: 'sector', ...ABOUT },
    ],
    ...ABOUT,
  },
];

describe('parseArgs', () => {
  it('opens a device in the mode that its parameter has', async () => {
    await parse(
      [
        { ...DEVICE, mode: 'read' },
        { ...DEVICE, name: 'store', mode: 'write' },
      ],
      'x y',
    );
    expect(opened).toEqual([
      ['x', 'exclusive', 'read'],
      ['y', 'exclusive', 'write'],
    ]);
  });

  it('opens a device with the claim that stands behind it', async () => {
    const args = await parse(LINEAR, 'x 8 noexcl');
    expect(args).toMatchObject({ offset: 8, claim: 'noexcl' });
    expect((args.device as Port).device.name).toBe('a');
    await parse(LINEAR, 'y 8 excl');
    await parse(LINEAR, 'z 8');
    await parse([{ name: 'device', kind: 'device', ...ABOUT }], 'w');
    expect(opened).toEqual([
      ['x', 'noexcl'],
      ['y', 'exclusive'],
      ['z', 'exclusive'],
      ['w', 'exclusive'],
    ]);
  });

  it('opens nothing before every word has proved sound', async () => {
    await expect(parse(LINEAR, 'x nonsense')).rejects.toMatchObject({ code: 'EINVAL' });
    expect(opened).toEqual([]);
  });

  it('leaves what is optional undefined', async () => {
    expect(await parse(LINEAR, 'x 8')).toMatchObject({ claim: undefined });
  });

  it('reads words, choices and the rest', async () => {
    const params: Param[] = [
      { name: 'word', kind: 'word', ...ABOUT },
      MODE,
      { name: 'others', kind: 'rest', ...ABOUT },
    ];
    expect(await parse(params, 'w off 1 2 3')).toEqual({ word: 'w', mode: 'off', others: ['1', '2', '3'] });
    expect(await parse(params, 'w on')).toEqual({ word: 'w', mode: 'on', others: [] });
  });

  it('reads a group as often as the number before it says, and opens its devices in order', async () => {
    const args = await parse(STRIPES, '2 x 0 y 16');
    expect(args.legs).toMatchObject([{ offset: 0 }, { offset: 16 }]);
    expect(opened.map(([spec]) => spec)).toEqual(['x', 'y']);
  });

  it.each([
    ['a number that is none', LINEAR, 'x 8s', 'Invalid device sector (offset: "8s" is not a whole'],
    ['a negative number', LINEAR, 'x -1', 'Invalid device sector'],
    ['a number over 2^53', LINEAR, 'x 99999999999999999999', 'up to 2^53-1'],
    ['a number out of bounds', STRIPES, '9 x 0', '9 is not in 1..8'],
    ['a number below bounds', STRIPES, '0', '0 is not in 1..8'],
    ['a word that is no choice', [MODE], 'maybe', 'mode: "maybe" is not one of on, off'],
    ['a claim that is none', LINEAR, 'x 8 mine', '"mine" is neither excl nor noexcl'],
    [
      'too few words',
      LINEAR,
      'x',
      'not enough arguments; arguments: <device> <offset> [excl|noexcl]; given: 1',
    ],
    ['too many words', LINEAR, 'x 8 excl y', 'too many arguments; arguments:'],
    ['words where none are taken', [], 'x', 'too many arguments; arguments: none; given: 1'],
    ['too few groups', STRIPES, '2 x 0 y', 'Not enough destinations specified (legs: not enough arguments'],
    ['too many groups', STRIPES, '1 x 0 y 0', 'Not enough destinations specified (legs: too many arguments'],
  ] as const)('refuses %s', async (_what, params, text, message) => {
    await expect(parse(params, text)).rejects.toMatchObject({
      code: 'EINVAL',
      message: expect.stringContaining(message),
    });
    await expect(parse(params, text)).rejects.toThrow(/^table line 1: t: /);
  });

  it("says a type's own text for a wrong number of words", async () => {
    await expect(parse(LINEAR, 'x', 'Invalid argument count')).rejects.toThrow(
      'table line 1: t: Invalid argument count (not enough arguments)',
    );
  });

  it('keeps the code and says why a device does not open', async () => {
    await expect(parse(LINEAR, 'nosuch 0')).rejects.toMatchObject({
      code: 'ENXIO',
      message: 'table line 1: t: Device lookup failed: no device nosuch',
    });
    await expect(parse(STRIPES, '1 odd 0')).rejects.toMatchObject({
      code: 'EIO',
      message: "table line 1: t: Couldn't parse stripe destination: odd device",
    });
  });
});

const OPTIONS: Param = {
  name: 'options',
  kind: 'options',
  about: 'how',
  of: [
    { name: 'iops', kind: 'uint', min: 1, about: 'requests/s' },
    { name: 'bps', kind: 'size', about: 'bytes/s' },
    { name: 'mode', kind: 'choice', values: ['on', 'off'], about: 'on|off' },
    { name: 'file', kind: 'word', about: 'path' },
  ],
};

describe('options', () => {
  it('are key=value words in any order, none of them needed', async () => {
    expect(await parse([OPTIONS], 'bps=2M iops=7 file=a=b')).toEqual({
      options: { bps: 2 * 2 ** 20, iops: 7, file: 'a=b' },
    });
    expect(await parse([OPTIONS], '')).toEqual({ options: {} });
    expect(await parse([OPTIONS], 'bps=3')).toEqual({ options: { bps: 3 } });
  });

  it.each([
    [
      'speed=3',
      'options: "speed=3" is not one of [iops=<requests/s>] [bps=<bytes/s>] [mode=<on|off>] [file=<path>]',
    ],
    [
      'iops',
      'options: "iops" is not one of [iops=<requests/s>] [bps=<bytes/s>] [mode=<on|off>] [file=<path>]',
    ],
    ['iops=1 iops=2', 'options: iops is given twice'],
    ['iops=0', 'iops: 0 is not in 1..9007199254740991'],
    ['mode=maybe', 'mode: "maybe" is not one of on, off'],
    ['bps=2X', 'bps: "2X" is not a whole decimal number up to 2^53-1, or one with K, M, G or T'],
    [
      'bps=99999999T',
      'bps: "99999999T" is not a whole decimal number up to 2^53-1, or one with K, M, G or T',
    ],
  ])('refuses %s', async (text, message) => {
    await expect(parse([OPTIONS], text)).rejects.toThrow(`table line 1: t: ${message}`);
  });
});

/** A second device and offset, or neither. */
const PAIRS: readonly Param[] = [
  DEVICE,
  OFFSET,
  { name: 'device2', kind: 'device', optional: true, ...ABOUT },
  { ...OFFSET, name: 'offset2' },
];

describe('what follows an optional parameter', () => {
  it('is left out with it', async () => {
    expect(await parse(PAIRS, 'x 8')).toMatchObject({ offset: 8, device2: undefined, offset2: undefined });
    expect(await parse(PAIRS, 'x 8 y 16')).toMatchObject({ offset: 8, offset2: 16 });
  });

  it('must be there with it, which is told before a device is opened', async () => {
    await expect(parse(PAIRS, 'x 8 y', 'Two or four')).rejects.toThrow('Two or four (not enough arguments)');
    expect(opened).toEqual([]);
  });
});

describe('describeParams', () => {
  it('writes the grammar', () => {
    expect(describeParams(PAIRS)).toBe('<device> <offset> [<device2> <offset2>]');
    expect(describeParams(LINEAR)).toBe('<device> <offset> [excl|noexcl]');
    expect(describeParams(STRIPES)).toBe('<stripes> [<device> <offset>]×stripes');
    expect(describeParams([MODE, { name: 'others', kind: 'rest', ...ABOUT }])).toBe('on|off <others>...');
  });
});
