import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  parseStack,
  parseTransaction,
  readStackFile,
  readTransactionFile,
  type StackItem,
} from '../src/index.ts';

function itemsOf(text: string, environment: Record<string, string> = {}): readonly StackItem[] {
  return parseStack(text, { file: 'folder/s.yaml', environment }).items;
}

const FULL = `version: 1
devices:
  disk:
    table: |
      # two rows
      0 8 linear \${IMAGE:-disk.img} 0
      8 1 error
    uuid: some-id
  other: { table: [0 8 zero], readOnly: "\${READ_ONLY:-true}" }
filters:
  disk: [stats, throttle@340000.50 iops=5]
remaps:
  disk: { device: live.img, altitude: 200000.0000000000000000001 }
  other: more.img
rules:
  - { pattern: '*.img', filter: stats areas=3 }
exports:
  - { device: disk, unix: disk.sock }
  - { device: other, port: "\${PORT}", host: localhost, name: 'o', readOnly: true, description: about }
`;

describe('stack files', () => {
  it('are read whole', () => {
    const items = itemsOf(FULL, { PORT: '1234' });
    expect(
      items.map(({ where, offset: _, ...item }) => [where.replace('folder/s.yaml:', ''), item]),
    ).toMatchObject([
      [
        '3:3',
        {
          kind: 'device',
          path: 'devices.disk',
          name: 'disk',
          table: '# two rows\n0 8 linear disk.img 0\n8 1 error\n',
          uuid: 'some-id',
          readOnly: false,
          lines: [
            { start: 0, length: 8, type: 'linear', words: ['disk.img', '0'] },
            { start: 8, length: 1, type: 'error', words: [] },
          ],
        },
      ],
      ['9:3', { kind: 'device', name: 'other', table: '0 8 zero', readOnly: true }],
      [
        '11:10',
        {
          kind: 'filter',
          path: 'filters.disk[0]',
          device: 'disk',
          filter: 'stats',
          type: 'stats',
          words: [],
        },
      ],
      ['11:17', { kind: 'filter', type: 'throttle', altitude: '340000.5', words: ['iops=5'] }],
      ['13:3', { kind: 'remap', mapped: 'disk', device: 'live.img', altitude: '200000.0000000000000000001' }],
      ['14:3', { kind: 'remap', mapped: 'other', device: 'more.img' }],
      ['16:5', { kind: 'rule', path: 'rules[0]', pattern: '*.img', filter: 'stats areas=3' }],
      [
        '18:5',
        {
          kind: 'export',
          device: 'disk',
          name: 'disk',
          address: { path: resolve('folder/disk.sock') },
          readOnly: false,
        },
      ],
      [
        '19:5',
        {
          kind: 'export',
          device: 'other',
          name: 'o',
          address: { port: 1234, host: 'localhost' },
          readOnly: true,
          description: 'about',
        },
      ],
    ]);
  });

  it('says of an export who may use it and how', () => {
    const [item] = itemsOf(`version: 1
exports:
  - device: disk.img
    unix: disk.sock
    mode: '660'
    group: disk
    tls: { mode: on, certificates: pki, psk: /etc/keys.psk, verifyPeer: true }
    allow: [unix uid=1000, cert=alice]
    blockSizes: { minimum: 4096, strict: true }
    maxConnections: 3
    idleTimeout: 60
`);
    expect(item).toMatchObject({
      settings: {
        mode: 0o660,
        group: 'disk',
        tls: {
          mode: 'allow',
          certificates: resolve('folder/pki'),
          psk: '/etc/keys.psk',
          verifyPeer: true,
        },
        allow: ['unix uid=1000', 'cert=alice'],
        blockSizes: { minimum: 4096, strict: true },
        maxConnections: 3,
        idleTimeout: 60_000,
      },
    });
  });

  it('may be JSON, with a schema for editors', () => {
    const text = JSON.stringify({ $schema: './x.json', version: 1, devices: { a: { table: '0 8 zero' } } });
    expect(itemsOf(text)).toMatchObject([{ kind: 'device', name: 'a' }]);
  });

  it('may say things once with anchors', () => {
    const items = itemsOf('version: 1\nfilters:\n  a: &all [stats, throttle iops=5]\n  b: *all\n');
    expect(items.map(({ path }) => path)).toEqual([
      'filters.a[0]',
      'filters.a[1]',
      'filters.b[0]',
      'filters.b[1]',
    ]);
  });

  it('replace variables in values and keys, with defaults for what is not defined or empty', () => {
    const text =
      'version: 1\nfilters:\n  ${DISK}-$$-${EMPTY:-e}-${NONE:-}-${SPACED:-a b $ c}: ["${TYPE}@5"]\n';
    const [item] = itemsOf(text, { DISK: '$x', EMPTY: '', TYPE: 'stats' });
    // What a variable holds is not looked at again.
    expect(item).toMatchObject({ device: '$x-$-e--a b $ c', filter: 'stats@5' });
  });

  it('keep a key that means something to JavaScript', () => {
    expect(itemsOf('version: 1\nfilters:\n  __proto__: [stats]\n')).toMatchObject([{ device: '__proto__' }]);
  });

  it('take the environment of the process by default', () => {
    process.env.INTERPOSER_TEST_DEVICE = 'there';
    onTestFinished(() => {
      delete process.env.INTERPOSER_TEST_DEVICE;
    });
    const text = 'version: 1\nfilters: { "${INTERPOSER_TEST_DEVICE}": [stats] }\n';
    expect(parseStack(text, { file: 's' }).items).toMatchObject([{ device: 'there' }]);
  });

  it('are read from a file, whose folder they know', async () => {
    const folder = temporary();
    const file = join(folder, 's.yaml');
    writeFileSync(file, 'version: 1\n');
    expect(await readStackFile(file)).toEqual({ file, directory: folder, items: [] });
    await expect(readStackFile(join(folder, 'none.yaml'))).rejects.toMatchObject({
      code: 'ENOENT',
      message: expect.stringContaining('cannot read') as unknown,
    });
  });
});

describe('transaction files', () => {
  it('are read whole', () => {
    const text = `
- attach: { device: disk.img, filter: "throttle iops=\${IOPS}" }
- detach: { device: disk.img, filter: 140000.50 }
- detach: { device: disk.img, filter: stats@450000 }
- swap: { device: disk.img, old: 5, new: error@7 }
- reload: { device: disk, table: [0 8 zero, 8 8 error] }
- remap: { mapped: a, device: b }
- remap: { mapped: a, device: b, altitude: 5.50 }
- unremap: { mapped: a }
`;
    expect(parseTransaction(text, { file: 'x/t.yaml', environment: { IOPS: '9' } })).toEqual({
      file: 'x/t.yaml',
      directory: resolve('x'),
      edits: [
        { kind: 'attach', device: 'disk.img', filter: 'throttle iops=9' },
        { kind: 'detach', device: 'disk.img', filter: '140000.50' },
        { kind: 'detach', device: 'disk.img', filter: 'stats@450000' },
        { kind: 'swap', device: 'disk.img', old: '5', new: 'error@7' },
        { kind: 'reload', device: 'disk', table: '0 8 zero\n8 8 error' },
        { kind: 'remap-start', mapped: 'a', device: 'b' },
        { kind: 'remap-start', mapped: 'a', device: 'b', altitude: '5.5' },
        { kind: 'remap-finish', mapped: 'a' },
      ],
    });
  });

  it('are read from a file', async () => {
    const file = join(temporary(), 't.yaml');
    writeFileSync(file, '- unremap: { mapped: a }\n');
    expect((await readTransactionFile(file)).edits).toEqual([{ kind: 'remap-finish', mapped: 'a' }]);
  });
});

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'stack-file-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}
