import { describe, expect, it } from 'vitest';
import { down, parseStack, type Stack, status, type Step, up } from '../src/index.ts';
import { FakeControl } from './support/fake-control.ts';

function stackOf(text: string): Stack {
  return parseStack(`version: 1\n${text}`, { file: '/folder/s.yaml', environment: {} });
}

const TEXT = `
devices:
  top: { table: 0 8 linear /dev/mapper/low 0, uuid: t }
  low: { table: 0 8 zero }
filters:
  low: [stats, throttle@7 iops=5]
remaps:
  top: { device: live, altitude: 9 }
rules:
  - { pattern: 'l*', filter: stats }
exports:
  - { device: top, unix: top.sock }
  - { device: top, name: tcp, port: 10809, readOnly: true }
`;
const FULL = stackOf(TEXT);
const CHANGES = [
  'rule l* stats',
  'create low',
  'create top',
  'attach low stats',
  'attach low throttle@7 iops=5',
  'remap top live',
  'export top',
  'export tcp',
];
const UNDOS = [
  'unexport tcp',
  'unexport top',
  'unremap top',
  'detach low throttle@7',
  'detach low stats@5',
  'remove top',
  'remove low',
  'unrule',
];

function outcomes(steps: readonly Step[]): string[] {
  return steps.map(({ path, outcome }) => `${path} ${outcome}`);
}

describe('up', () => {
  it('makes everything in order', async () => {
    const control = new FakeControl();
    const seen: Step[] = [];
    const steps = await up(control, FULL, { onStep: (step) => seen.push(step) });
    expect(control.calls).toEqual(CHANGES);
    expect(seen).toEqual(steps);
    expect(steps.map(({ label, outcome }) => `${label}: ${outcome}`)).toEqual([
      'rule l*: stats: made',
      'device low: made',
      'device top: made',
      'filter stats on low: made',
      'filter throttle@7 on low: made',
      'remap of live to top: made',
      'export top on /folder/top.sock: made',
      'export tcp on 127.0.0.1:10809: made',
    ]);
    expect(control.state).toMatchObject({
      devices: [
        { name: 'low', options: { table: '0 8 zero', readOnly: false } },
        { name: 'top', options: { uuid: 't' } },
      ],
      remaps: [{ mapped: 'top', device: 'live', altitude: '9' }],
      exports: [
        { address: '/folder/top.sock', readOnly: false },
        { name: 'tcp', readOnly: true },
      ],
    });
  });

  it('does nothing the second time', async () => {
    const control = new FakeControl();
    await up(control, FULL);
    const before = control.state;
    const steps = await up(control, FULL);
    expect(control.calls).toEqual(CHANGES);
    expect(control.state).toEqual(before);
    expect(new Set(steps.map(({ outcome }) => outcome))).toEqual(new Set(['kept']));
  });

  it('makes what is missing and leaves the rest alone', async () => {
    const control = new FakeControl();
    await up(control, FULL);
    await control.detachFilter('low', 'throttle@7');
    await control.removeExport('tcp', { port: 10809, host: '127.0.0.1' });
    control.calls.length = 0;
    await up(control, FULL);
    expect(control.calls).toEqual(['attach low throttle@7 iops=5', 'export tcp']);
  });

  it.each(CHANGES.map((change, index) => [index, change] as const))(
    'takes everything back when change %i fails: %s',
    async (index, change) => {
      const control = new FakeControl();
      const before = control.state;
      control.failAfter = index;
      const seen: Step[] = [];
      const failure = up(control, FULL, { onStep: (step) => seen.push(step) });
      await expect(failure).rejects.toMatchObject({
        code: 'ENOSPC',
        message: expect.stringMatching(
          new RegExp(
            `^/folder/s\\.yaml:\\d+:\\d+: .*: made to fail: ${change.replace('*', '\\*')}` +
              `${index === 0 ? '' : '\nwhat was made before was taken down again'}$`,
          ),
        ) as unknown,
      });
      expect(control.state).toEqual(before);
      expect(control.calls.slice(index + 1)).toEqual(UNDOS.slice(UNDOS.length - index));
      expect(outcomes(seen).filter((step) => step.endsWith('taken back'))).toHaveLength(index);
    },
  );

  it('takes back only what it made itself', async () => {
    const control = new FakeControl();
    await control.create('low', { table: '0 8 zero' });
    const before = control.state;
    control.failOn = /^export top$/;
    await expect(up(control, FULL)).rejects.toMatchObject({ code: 'EBUSY' });
    expect(control.state).toEqual(before);
  });

  it('says what it could not take back', async () => {
    const control = new FakeControl();
    control.failOn = /^(export tcp|unremap top)$/;
    await expect(up(control, FULL)).rejects.toThrow(
      /made to fail: export tcp\nremap of live to top is left: made to fail: unremap top/,
    );
    expect(control.calls).toEqual([...CHANGES, ...UNDOS.slice(1)]);
  });

  it('refuses, before it does anything, what is there and differs', async () => {
    const control = new FakeControl();
    await up(control, FULL);
    const before = control.calls.length;
    const changed = stackOf(
      TEXT.replace('uuid: t', 'uuid: u')
        .replace('{ table: 0 8 zero }', '{ table: [0 4 zero, 4 4 error] }')
        .replace('iops=5', 'iops=6')
        .replace('altitude: 9', 'altitude: 10')
        .replace('readOnly: true', 'readOnly: false')
        .concat('  - { device: low, unix: new.sock }\n'),
    );
    await expect(up(control, changed)).rejects.toMatchObject({
      code: 'EEXIST',
      message: [
        '/folder/s.yaml:5:3: device low is not as in the file: there it is 0 4 zero; running is 0 8 zero',
        '/folder/s.yaml:4:3: device top is not as in the file: there it is uuid u; running is uuid t',
        '/folder/s.yaml:7:16: filter throttle@7 on low is not as in the file: there it is throttle iops=6; running is throttle iops=5',
        '/folder/s.yaml:9:3: remap of live to top is not as in the file: there it is of live at altitude 10; running is of live at altitude 9',
        '/folder/s.yaml:14:5: export tcp on 127.0.0.1:10809 is not as in the file: there it is top, writable; running is top, read-only',
        'nothing was changed',
      ].join('\n'),
    });
    expect(control.calls).toHaveLength(before);
  });

  it('keeps a filter that a rule of the file has given to a device', async () => {
    const control = new FakeControl();
    const create = control.create.bind(control);
    control.create = async (name, options) => {
      const info = await create(name, options);
      await control.attachFilter(name, 'stats');
      return info;
    };
    const stack = stackOf(
      'devices: { a: { table: 0 8 zero } }\nrules: [{ pattern: a, filter: stats }]\nfilters: { a: [stats] }\n',
    );
    expect(outcomes(await up(control, stack))).toEqual([
      'rules[0] made',
      'devices.a made',
      'filters.a[0] kept',
    ]);
  });

  it('needs somebody who serves exports only where there are some', async () => {
    const control = new FakeControl();
    // As an engine in this process is.
    Object.defineProperty(control, 'exports', { value: undefined });
    await expect(up(control, FULL)).rejects.toMatchObject({ code: 'ENOTSUP' });
    expect(control.calls).toEqual([]);
  });
});

describe('down', () => {
  it('takes down everything, upper things first', async () => {
    const control = new FakeControl();
    const before = control.state;
    await up(control, FULL);
    control.calls.length = 0;
    const steps = await down(control, FULL);
    expect(control.calls).toEqual(UNDOS);
    expect(control.state).toEqual(before);
    expect(new Set(steps.map(({ outcome }) => outcome))).toEqual(new Set(['removed']));
  });

  it('skips what is not there', async () => {
    const control = new FakeControl();
    await control.create('low', { table: '0 8 zero' });
    const seen: Step[] = [];
    await down(control, FULL, { onStep: (step) => seen.push(step) });
    expect(outcomes(seen)).toEqual([
      'exports[1] skipped',
      'exports[0] skipped',
      'remaps.top skipped',
      'filters.low[1] skipped',
      'filters.low[0] skipped',
      'devices.top skipped',
      'devices.low removed',
      'rules[0] skipped',
    ]);
  });

  it('takes down what has the names of the file, as it may have been changed since', async () => {
    const control = new FakeControl();
    const before = control.state;
    await up(control, FULL);
    await down(control, stackOf(TEXT.replace('iops=5', 'iops=6').replace('0 8 zero', '0 9 zero')));
    expect(control.state).toEqual(before);
  });

  it('leaves a filter of another type that stands where one of the file should be', async () => {
    const control = new FakeControl();
    await control.attachFilter('low', 'delay@7 100');
    const steps = await down(control, FULL);
    expect(new Set(steps.map(({ outcome }) => outcome))).toEqual(new Set(['skipped']));
    expect(await control.filters('low')).toHaveLength(1);
  });

  it('goes on after errors and tells all of them in the end', async () => {
    const control = new FakeControl();
    await up(control, FULL);
    control.calls.length = 0;
    control.failOn = /^(unexport top|remove top)$/;
    const seen: Step[] = [];
    await expect(down(control, FULL, { onStep: (step) => seen.push(step) })).rejects.toMatchObject({
      code: 'EBUSY',
      message: [
        '/folder/s.yaml:13:5: export top on /folder/top.sock: made to fail: unexport top',
        '/folder/s.yaml:4:3: device top: made to fail: remove top',
        '/folder/s.yaml:5:3: device low: low is open: top',
      ].join('\n'),
    });
    expect(control.calls).toEqual(UNDOS);
    expect(outcomes(seen)).toContain('rules[0] removed');
  });
});

describe('status', () => {
  it('tells of each item whether it is there, and what differs', async () => {
    const control = new FakeControl();
    await control.create('low', { table: '0 8 error' });
    await control.attachFilter('low', 'stats areas=64');
    const calls = [...control.calls];
    expect(await status(control, FULL)).toEqual([
      { label: 'rule l*: stats', path: 'rules[0]', state: 'absent' },
      {
        label: 'device low',
        path: 'devices.low',
        state: 'differs',
        difference: { wanted: '0 8 zero', running: '0 8 error' },
      },
      { label: 'device top', path: 'devices.top', state: 'absent' },
      { label: 'filter stats on low', path: 'filters.low[0]', state: 'present' },
      { label: 'filter throttle@7 on low', path: 'filters.low[1]', state: 'absent' },
      { label: 'remap of live to top', path: 'remaps.top', state: 'absent' },
      { label: 'export top on /folder/top.sock', path: 'exports[0]', state: 'absent' },
      { label: 'export tcp on 127.0.0.1:10809', path: 'exports[1]', state: 'absent' },
    ]);
    expect(control.calls).toEqual(calls);
  });

  it('takes a filter for one item only', async () => {
    const control = new FakeControl();
    await control.attachFilter('d', 'stats@7 areas=5');
    const states = await status(control, stackOf('filters: { d: [stats areas=5, stats@7.0 areas=5] }\n'));
    expect(states.map(({ state }) => state)).toEqual(['absent', 'present']);
  });

  it.each([
    ['host: localhost, port: 10809', 'nbd://127.0.0.1/d', 'present'],
    ['host: "::1", port: 5', 'nbd://[::1]:5/d', 'present'],
    ['host: 127.0.0.2, port: 5', 'nbd://127.0.0.1:5/d', 'absent'],
    ['port: 5', 'nbd://127.0.0.1:6/d', 'absent'],
    ['unix: a+b c/s', 'nbd+unix:///d?socket=/folder/a%2Bb%20c/s', 'present'],
    ['unix: s', 'nbd+unix:///d?socket=/other/s', 'absent'],
    ['unix: s', 'nbd://127.0.0.1/d', 'absent'],
  ])('finds the export on %s at %s: %s', async (address, uri, state) => {
    const control = new FakeControl();
    const running = { name: 'd', device: 'd', readOnly: false, uri };
    control.exports = () => Promise.resolve([running]);
    const states = await status(control, stackOf(`exports: [{ device: d, ${address} }]\n`));
    expect(states).toMatchObject([{ state }]);
  });

  it.each([
    ['tls: { mode: require, psk: keys }', 'present'],
    ['maxConnections: 3', 'present'],
    ['tls: { mode: on, psk: keys }', 'differs'],
    ['allow: [unix]', 'differs'],
    ['maxConnections: 4', 'differs'],
  ])('compares of an export what the file says, %s: %s', async (settings, state) => {
    const control = new FakeControl();
    const tls = { mode: 'require', verifyPeer: false, psk: '/folder/keys' } as const;
    const running = { name: 'd', device: 'd', readOnly: false, uri: 'nbds+unix:///d?socket=/folder/s' };
    control.exports = () => Promise.resolve([{ ...running, settings: { tls, maxConnections: 3 } }]);
    const states = await status(control, stackOf(`exports: [{ device: d, unix: s, ${settings} }]\n`));
    expect(states).toMatchObject([{ state }]);
  });

  it('serves an export as the file says', async () => {
    const control = new FakeControl();
    const requests: unknown[] = [];
    const addExport = control.addExport.bind(control);
    control.addExport = (device, request) => {
      requests.push(request);
      return addExport(device, request);
    };
    await up(
      control,
      stackOf('exports: [{ device: d, unix: s, allow: [tls], tls: { mode: require, psk: k } }]\n'),
    );
    expect(requests).toMatchObject([
      { path: '/folder/s', allow: ['tls'], tls: { mode: 'require', psk: '/folder/k' } },
    ]);
  });
});
