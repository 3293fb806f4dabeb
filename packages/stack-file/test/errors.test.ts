import { isInterposerError } from '@interposer/core';
import { describe, expect, it } from 'vitest';
import { parseStack, parseTransaction } from '../src/index.ts';

const environment = { PORT: 'ten', EMPTY: '', KEY: 'f00dfeed' };

function problemsOf(parse: () => unknown): string[] {
  try {
    parse();
  } catch (error) {
    expect(isInterposerError(error) && error.code).toBe('EINVAL');
    return (error as Error).message.split('\n');
  }
  return [];
}

function stackProblems(text: string): string[] {
  return problemsOf(() => parseStack(text, { file: 's.yaml', environment }));
}

function transactionProblems(text: string): string[] {
  return problemsOf(() => parseTransaction(text, { file: 't.yaml', environment }));
}

const DEVICE_KEYS = 'allowed: table, uuid, readOnly';

/** Documents, and every line of their error. */
const STACKS: Record<string, [text: string, ...problems: string[]]> = {
  'an empty file': ['', 's.yaml:1:1: the document must be a map with the key version, is empty'],
  'no version': [
    'devices: {}\n',
    's.yaml:1:1: the document lacks the key version; it must be a map with the key version',
  ],
  'another version': ['version: 2\n', 's.yaml:1:10: version must be the number 1'],
  'a version in quotes': ["version: '1'\n", 's.yaml:1:10: version must be the number 1'],
  'a list': ['- version: 1\n', 's.yaml:1:1: the document must be a map with the key version, is a list'],
  'an unknown section': [
    'version: 1\ndevice: {}\n',
    's.yaml:2:1: unknown key "device" in the document; did you mean devices? allowed: version, devices, filters, remaps, rules, exports',
  ],
  'an unknown key that is near none': [
    'version: 1\ndevices:\n  disk:\n    table: 0 8 error\n    colour: red\n',
    `s.yaml:5:5: unknown key "colour" in devices.disk; ${DEVICE_KEYS}`,
  ],
  'an unknown key that is near one': [
    'version: 1\ndevices:\n  disk: { table: 0 8 error, readonly: true }\n',
    `s.yaml:3:29: unknown key "readonly" in devices.disk; did you mean readOnly? ${DEVICE_KEYS}`,
  ],
  'a section without content': [
    'version: 1\ndevices:\n',
    's.yaml:2:9: devices must be a map from names to devices, is empty',
  ],
  'a device without a table': [
    'version: 1\ndevices:\n  disk:\n    readOnly: true\n',
    's.yaml:4:5: devices.disk lacks the key table; it must be a device: a map with the key table',
  ],
  'a device that is a text': [
    'version: 1\ndevices:\n  disk: 0 8 error\n',
    's.yaml:3:9: devices.disk must be a device: a map with the key table, is a text',
  ],
  'a name with a slash': [
    'version: 1\ndevices:\n  a/b: { table: 0 8 error }\n',
    's.yaml:3:3: devices["a/b"]: the name must be a name of up to 127 characters without /, and not control, . or .., nor of the form 254:0',
  ],
  'a table line that is a number': [
    'version: 1\ndevices:\n  disk:\n    table:\n      - 0 8 error\n      - 17\n',
    's.yaml:6:9: devices.disk.table[1] must be a table line: START LENGTH TARGET ARGUMENTS, is a number',
  ],
  'a bad line in a list': [
    'version: 1\ndevices:\n  disk:\n    table:\n      - 0 8 error\n      - eight 8 error\n',
    's.yaml:6:9: devices.disk.table[1] must be a table line: START LENGTH TARGET ARGUMENTS',
  ],
  'a bad line in a block, behind a comment': [
    'version: 1\ndevices:\n  disk:\n    table: |\n      # none\n      0 8 error\n      8 linear\n',
    's.yaml:7:7: devices.disk.table must be a table line: START LENGTH TARGET ARGUMENTS',
  ],
  'a gap in a table': [
    'version: 1\ndevices:\n  disk:\n    table: |\n      0 8 error\n      9 8 error\n',
    's.yaml:6:7: devices.disk.table: table line 2: error: Gap in table: starts at sector 9, must start at 8',
  ],
  'a table of comments': [
    'version: 1\ndevices:\n  disk: { table: "# nothing" }\n',
    's.yaml:3:18: devices.disk.table: the table is empty: at least one line is needed',
  ],
  'a filter that is a map': [
    'version: 1\nfilters:\n  disk.img:\n    - throttle: 5\n',
    's.yaml:4:7: filters["disk.img"][0] must be a filter: TYPE[@ALTITUDE] ARGUMENTS, is a map',
  ],
  'a filter that is no list': [
    'version: 1\nfilters:\n  disk: stats\n',
    's.yaml:3:9: filters.disk must be a list of filters, each TYPE[@ALTITUDE] ARGUMENTS, is a text',
  ],
  'a bad altitude of a filter': [
    'version: 1\nfilters:\n  disk:\n    - stats@high\n',
    's.yaml:4:7: filters.disk[0]: the altitude must be a decimal number such as 200000 or 200000.5',
  ],
  'a filter without a type': [
    'version: 1\nfilters: { disk: ["@5 x"] }\n',
    's.yaml:2:19: filters.disk[0] must be a filter: TYPE[@ALTITUDE] ARGUMENTS',
  ],
  'two filters at one altitude': [
    'version: 1\nfilters:\n  disk: [a@5.0]\n  /dev/mapper/disk: [b@5]\n',
    's.yaml:4:22: filters["/dev/mapper/disk"][0]: the altitude on this device is that of filters.disk[0]',
  ],
  'one type twice without an altitude': [
    'version: 1\nfilters:\n  disk: [stats, stats areas=5]\n',
    's.yaml:3:17: filters.disk[1]: the type, without an altitude, is that of filters.disk[0]',
  ],
  'a remap without a device': [
    'version: 1\nremaps:\n  cover: { altitude: 5 }\n',
    's.yaml:3:10: remaps.cover lacks the key device; it must be a device, or a map with the keys device and altitude',
  ],
  'a bad altitude of a remap': [
    'version: 1\nremaps:\n  cover: { device: a, altitude: -5 }\n',
    's.yaml:3:33: remaps.cover.altitude: the altitude must be a decimal number such as 200000 or 200000.5',
  ],
  'a rule without a filter, and one with a list': [
    'version: 1\nrules:\n  - pattern: "*"\n  - { pattern: [a], filter: stats }\n',
    's.yaml:3:5: rules[0] lacks the key filter; it must be a rule: a map with the keys pattern and filter',
    's.yaml:4:16: rules[1].pattern must be a device name in which * stands for any characters and ? for one, is a list',
  ],
  'a rule twice': [
    'version: 1\nrules:\n  - { pattern: a, filter: stats  areas=3 }\n  - { pattern: a, filter: stats areas=3 }\n',
    's.yaml:4:5: rules[1]: the rule is that of rules[0]',
  ],
  'an export without a socket': [
    'version: 1\nexports:\n  - device: disk\n',
    's.yaml:3:5: exports[0] must be an export: a map with the keys device and either unix or port',
  ],
  'an export with two sockets': [
    'version: 1\nexports:\n  - { device: disk, unix: a, port: 5 }\n',
    's.yaml:3:5: exports[0] must be an export: a map with the keys device and either unix or port',
  ],
  'a host for a UNIX socket': [
    'version: 1\nexports:\n  - { device: disk, unix: a, host: here }\n',
    's.yaml:3:5: exports[0] must be an export: a map with the keys device and either unix or port',
  ],
  'a port that is none': [
    'version: 1\nexports:\n  - { device: disk, port: 65536 }\n',
    's.yaml:3:27: exports[0].port must be a number in 1..65535',
  ],
  'a port from a variable that is none': [
    'version: 1\nexports:\n  - { device: disk, port: "${PORT}" }\n',
    's.yaml:3:27: exports[0].port must be a number in 1..65535',
  ],
  'a flag that is none': [
    'version: 1\nexports:\n  - { device: disk, unix: a, readOnly: $$yes }\n',
    's.yaml:3:40: exports[0].readOnly must be true or false',
  ],
  'an export twice': [
    'version: 1\nexports:\n  - { device: a, unix: x/../s, name: n }\n  - { device: b, unix: s, name: n }\n',
    's.yaml:4:5: exports[1]: the export name on this socket is that of exports[0]',
  ],
  'a uuid twice': [
    'version: 1\ndevices:\n  a: { table: 0 8 error, uuid: u }\n  b: { table: 0 8 error, uuid: u }\n',
    's.yaml:4:3: devices.b: the uuid is that of devices.a',
  ],
  'several problems in the order of the file': [
    'version: 3\nexport: []\nrules: {}\n',
    's.yaml:1:10: version must be the number 1',
    's.yaml:2:1: unknown key "export" in the document; did you mean exports? allowed: version, devices, filters, remaps, rules, exports',
    's.yaml:3:8: rules must be a list of rules, is a map',
  ],
  'a key twice': [
    'version: 1\ndevices:\n  a: { table: 0 8 error }\n  a: { table: 0 8 error }\n',
    's.yaml:4:3: YAML: this key is there already; each key may stand once',
  ],
  'a key twice through a variable': [
    'version: 1\nfilters:\n  f00dfeed: []\n  ${KEY}: []\n',
    's.yaml:4:3: this key is there already; each key may stand once',
  ],
  'a key that is a list': [
    'version: 1\n? [a]\n: 1\n',
    's.yaml:2:3: a key of the document is no word; keys are words',
  ],
  'a tab': ['version: 1\ndevices:\n\ta: 1\n', 's.yaml:3:1: YAML: Tabs are not allowed as indentation'],
  'an open quote': ['version: 1\nrules: "abc\n', 's.yaml:3:1: YAML: Missing closing "quote'],
  'wrong syntax, without what is written there': [
    'version: 1\ndevices: { a: b: hunter2 }\nrules: >hunter2\n  a\n',
    's.yaml:2:15: YAML: Block collections are not allowed within flow collections',
    's.yaml:3:9: YAML: Block scalar header includes extra characters',
  ],
  'a variable without quotes in a flow map': [
    'version: 1\nexports: [{ device: a, port: ${PORT} }]\n',
    's.yaml:2:31: YAML: inside { } or [ ] a ${NAME} must be in quotes',
  ],
  'no YAML at all, without all that follows from it': [
    'version: 1\nrules: [a}]\nexports: {}\n',
    's.yaml:2:10: YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    's.yaml:2:11: YAML: Unexpected flow-seq-end token in YAML stream',
  ],
  'a tag': ['version: !number 1\n', 's.yaml:1:10: YAML: Unresolved tag: !number'],
  'two documents': [
    'version: 1\n---\nversion: 1\n',
    's.yaml:2:1: YAML: one document is allowed, here a second one begins',
  ],
  'an alias of nothing': [
    'version: 1\nrules: *x\n',
    's.yaml:2:8: *x stands for nothing: an anchor &x must end before it',
  ],
  'an alias inside its own anchor': [
    'version: 1\nrules: &x\n  - *x\n',
    's.yaml:3:5: *x stands for nothing: an anchor &x must end before it',
  ],
  'a variable that is not defined': [
    'version: 1\ndevices:\n  disk:\n    table: |\n      0 8 error # $$\n      8 8 linear ${IMAGE} 0\n',
    's.yaml:6:18: the environment variable IMAGE is not defined; ${IMAGE:-default} gives it a default',
  ],
  'a variable in a key that is not defined': [
    'version: 1\nfilters:\n  ${IMAGE}: [stats]\n',
    's.yaml:3:3: the environment variable IMAGE is not defined; ${IMAGE:-default} gives it a default',
  ],
  'dollars that stand for nothing': [
    'version: 1\nrules:\n  - { pattern: a$b, filter: "${KEY-x}" }\n  - { pattern: $KEY, filter: s }\n',
    's.yaml:3:17: a lone $: write ${NAME}, ${NAME:-default}, or $$ for a dollar sign',
    's.yaml:3:30: a lone $: write ${NAME}, ${NAME:-default}, or $$ for a dollar sign',
    's.yaml:4:16: a lone $: write ${NAME}, ${NAME:-default}, or $$ for a dollar sign',
  ],
};

const EDITS = 'one edit: attach, detach, swap, reload, remap or unremap';

const TRANSACTIONS: Record<string, [text: string, ...problems: string[]]> = {
  'a map': ['attach: {}\n', 't.yaml:1:1: the document must be a list of edits, is a map'],
  'an unknown edit': [
    '- atach: { device: a, filter: b }\n',
    't.yaml:1:3: unknown key "atach" in [0]; did you mean attach? allowed: attach, detach, swap, reload, remap, unremap',
  ],
  'two edits in one item': [
    '- attach: { device: a, filter: b }\n  detach: { device: a, filter: b }\n',
    `t.yaml:1:3: [0] must be ${EDITS}`,
  ],
  'an edit without content': ['- {}\n', `t.yaml:1:3: [0] must be ${EDITS}`],
  'a key that is missing': [
    '- unremap: { mapped: a }\n- swap: { device: a, new: b }\n',
    't.yaml:2:9: [1].swap lacks the key old; it must be a map with the keys device, old and new',
  ],
  'altitudes that are none': [
    '- attach: { device: a, filter: b@x }\n- remap: { mapped: a, device: b, altitude: x }\n- detach: { device: a, filter: b@5.x }\n',
    't.yaml:1:32: [0].attach.filter: the altitude must be a decimal number such as 200000 or 200000.5',
    't.yaml:2:44: [1].remap.altitude: the altitude must be a decimal number such as 200000 or 200000.5',
    't.yaml:3:32: [2].detach.filter: the altitude must be a decimal number such as 200000 or 200000.5',
  ],
  'a table that is none': [
    '- reload:\n    device: a\n    table:\n      - 0 8 zero\n      - 7 8 zero\n',
    't.yaml:5:9: [0].reload.table: table line 2: zero: Gap in table: starts at sector 7, must start at 8',
  ],
};

describe('errors of stack files', () => {
  it.each(Object.entries(STACKS))('%s', (_name, [text, ...problems]) => {
    expect(stackProblems(text)).toEqual(problems);
  });

  it('shows twenty problems and counts the rest', () => {
    const lines = stackProblems(`version: 1\nfilters:\n  a:\n${'    - 5\n'.repeat(23)}`);
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe('and 3 more');
  });

  it('bounds what aliases repeat', () => {
    const bomb = ['version: 1', 'rules:', '  - &a0 [x]'];
    for (let level = 1; level < 40; level++) {
      bomb.push(`  - &a${String(level)} [*a${String(level - 1)}, *a${String(level - 1)}]`);
    }
    const [first, ...rest] = stackProblems(bomb.join('\n'));
    expect(first).toMatch(/^s\.yaml:\d+:\d+: aliases repeat more than 10000 values$/);
    expect(rest).toEqual([]);
  });

  it.each(['[', '- ', '{a: ', '? '])('bounds how deep %s is nested', (open) => {
    const [first, ...rest] = stackProblems(open.repeat(50_000));
    expect(first).toMatch(/^s\.yaml:1:\d+: YAML: nested more than 100 levels deep$/);
    expect(rest).toEqual([]);
  });

  it('never quotes a value', () => {
    const secret = 'hunter2';
    const places = [
      `version: ${secret}`,
      `version: 1\ndevices: { disk: { table: "0 x crypt ${secret}" } }`,
      `version: 1\ndevices: { disk: { table: "0 8 crypt ${secret}\\n7 1 crypt ${secret}" } }`,
      `version: 1\ndevices: { disk: ${secret} }`,
      `version: 1\nfilters: { disk: [ "crypt@x ${secret}" ] }`,
      `version: 1\nfilters: { disk: [ "crypt@5 ${secret}", "crypt@5 ${secret}" ] }`,
      `version: 1\nrules: [ { pattern: a, filter: "crypt ${secret}" }, { pattern: a, filter: "crypt ${secret}" } ]`,
      `version: 1\nexports: [ { device: a, port: ${secret} } ]`,
      `version: 1\ndevices:\n  disk: |\n  ${secret}: ${secret}: ]`,
    ];
    for (const text of places) {
      const problems = stackProblems(text);
      expect(problems, text).not.toEqual([]);
      expect(problems.join('\n')).not.toContain(secret);
    }
  });
});

describe('errors of transaction files', () => {
  it.each(Object.entries(TRANSACTIONS))('%s', (_name, [text, ...problems]) => {
    expect(transactionProblems(text)).toEqual(problems);
  });
});
