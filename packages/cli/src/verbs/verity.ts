import type { Verb } from '../verb.ts';

const PLACES = ['hash-offset', 'fec-device', 'fec-offset', 'fec-roots'];
const SHAPE = [
  'no-superblock',
  'format',
  'hash',
  'salt',
  'data-block-size',
  'hash-block-size',
  'data-blocks',
];

export const verityFormat: Verb = {
  name: 'verity format',
  operands: 'DATA HASH',
  count: [2, 2],
  summary: 'Hash data, so that verity can check it whenever it is read',
  about:
    'Both are image files or block devices; a file that there is not is made, and made long enough. The hashes, and parity with ' +
    '--fec-device, may lie behind the data on the same device. Prints what veritysetup prints, and with --json the line of a table ' +
    'that opens the image too. The root hash is what all trust rests on: keep it where nobody can change it. Options, defaults and ' +
    'images are those of veritysetup.',
  options: [...SHAPE, 'uuid', ...PLACES, 'root-hash-file'],
  examples: [
    { command: 'interposer verity format root.img root.hash', about: 'The hashes in a file of their own' },
    {
      command: 'interposer verity format root.img root.hash --fec-device root.fec --root-hash-file root.txt',
      about: 'With parity that mends what is corrupted',
    },
  ],
  // What it takes is loaded when it is needed: other verbs start faster without it.
  run: async (command) => (await import('../verity/format.ts')).formatVerity(command),
};

export const verityVerify: Verb = {
  name: 'verity verify',
  operands: 'DATA HASH [ROOT_HASH]',
  count: [2, 3],
  summary: 'Check all data against its hashes and the root hash',
  about:
    'Exit code 1 where something is corrupted; the first place is told on standard error, and with --fec-device whether parity ' +
    'could mend it. An image without a superblock needs the options that it was made with.',
  options: ['root-hash-file', ...PLACES, ...SHAPE],
  examples: [
    {
      command: 'interposer verity verify root.img root.hash --root-hash-file root.txt',
      about: 'The root hash in a file',
    },
  ],
  run: async (command) => (await import('../verity/inspect.ts')).verifyVerity(command),
};

export const verityDump: Verb = {
  name: 'verity dump',
  operands: 'HASH',
  count: [1, 1],
  summary: 'Show what the superblock in front of the hashes says',
  options: PLACES,
  examples: [{ command: 'interposer verity dump root.hash', about: 'As veritysetup dump' }],
  run: async (command) => (await import('../verity/inspect.ts')).dumpVerity(command),
};
