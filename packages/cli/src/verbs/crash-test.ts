import type { Verb } from '../verb.ts';

export const crashTest: Verb = {
  name: 'crash-test',
  operands: '--size SIZE|--image FILE --run COMMAND --check COMMAND',
  count: [0, 0],
  summary: 'Find the power cuts that a program does not survive',
  about:
    'Runs a program on a disk that logs every write, makes the disks that a power cut could have left at any moment, and runs ' +
    'a check on each. The --run command gets the disk in INTERPOSER_URI (NBD) and, where nbdfuse can be used, in INTERPOSER_DISK ' +
    '(a file); each line that it prints is a promise from the moment it arrives. The --check command gets a disk in ' +
    'INTERPOSER_IMAGE and the promises made before the cut in the file INTERPOSER_PROMISES. It runs in an empty folder; ' +
    'INTERPOSER_CWD is the one you are in. Exit code 0: the disk is in order, 126 and 127: the check cannot be run and the search ' +
    'ends, all else: the disk is not in order. A log that there is, of ours or of the kernel, is searched with --log and --base in ' +
    'place of --run. Exit codes of crash-test: 0 if nothing was found, 2 for failing states, 1 if it could not be done. ' +
    'docs/crash-test.md has the whole story.',
  options: [
    'size',
    'image',
    'prepare',
    'run',
    'check',
    'dir',
    'log',
    'base',
    'resume',
    'present',
    'jobs',
    'states',
    'per-epoch',
    'exhaustive',
    'unit',
    'seed',
    'timeout',
    'keep-going',
    'junit',
    'verbose',
  ],
  examples: [
    {
      command: `interposer crash-test --size 16M --run './store fill' --check '"$INTERPOSER_CWD/store" verify'`,
      about: 'A program that writes to a disk',
    },
    {
      command: `interposer crash-test --size 64M --prepare 'mke2fs -q "$INTERPOSER_IMAGE"' --run ./work.sh --check 'e2fsck -fn "$INTERPOSER_IMAGE"'`,
      about: 'A file system',
    },
    {
      command: 'interposer crash-test --log writes.log --base base.img --check ./other-check',
      about: 'Another check on what was recorded',
    },
    { command: 'interposer crash-test --resume crash-test-1', about: 'Go on with a search' },
  ],
  // What it takes is loaded when it is needed: other verbs start faster without it.
  run: async (command) => (await import('../crash-test/crash-test.ts')).crashTest(command),
};

export const crashTestReplay: Verb = {
  name: 'crash-test replay',
  operands: 'FAILURE.json',
  count: [1, 1],
  summary: 'Make the disk of a failure again, and run the check on it',
  about:
    'With --image the disk is written to a file, and the check runs only if it is given. Otherwise the check of the search runs, or ' +
    'the one that is given, and its exit code is that of the command. The file lies in the folder of the search, whose recording ' +
    'is needed; for one that was moved elsewhere --log and --base name it.',
  options: ['image', 'check', 'present', 'log', 'base'],
  examples: [
    {
      command: 'interposer crash-test replay crash-test-1/failure-e3-m2-5a1c.json',
      about: 'See it fail again',
    },
    {
      command: 'interposer crash-test replay crash-test-1/failure-e3-m2-5a1c.json --image bad.img',
      about: 'The disk, to look into',
    },
  ],
  run: async (command) => (await import('../crash-test/replay.ts')).replayFailure(command),
};
