/** An option of the command line. */
export interface OptionSpec {
  /** Without dashes. */
  readonly name: string;
  readonly short?: string;
  /** Placeholder of the value; absent: the option is a switch. */
  readonly value?: string;
  readonly about: string;
  /** May be given several times. */
  readonly repeated?: boolean;
  /** One that dmsetup has: every verb that dmsetup has accepts it, as dmsetup does. */
  readonly dmsetup?: boolean;
  /** dmsetup's own, accepted so that scripts run, and without effect here: there is no udev and no kernel. */
  readonly ignored?: boolean;
}

/** Every option there is; a name means the same with each verb that takes it. */
export const OPTIONS: readonly OptionSpec[] = [
  { name: 'help', short: 'h', about: 'Show what a verb does, with examples', dmsetup: true },
  { name: 'version', about: 'Show versions', dmsetup: true },
  { name: 'json', about: 'Print JSON for programs' },
  { name: 'socket', value: 'PATH', about: 'Control socket of the daemon (INTERPOSER_SOCKET does the same)' },
  {
    name: 'plugin',
    value: 'PATH|PACKAGE',
    about: 'Load a plugin (INTERPOSER_PLUGINS does the same)',
    repeated: true,
  },
  { name: 'no-start', about: 'Fail if no daemon runs instead of starting one' },
  {
    name: 'verbose',
    short: 'v',
    about: 'Print the information block first; with crash-test, what the commands write',
    dmsetup: true,
  },

  { name: 'table', value: 'TEXT', about: 'The table itself, lines separated by newlines', dmsetup: true },
  { name: 'notable', short: 'n', about: 'Create the device without a table', dmsetup: true },
  { name: 'readonly', short: 'r', about: 'Make the table read-only', dmsetup: true },
  { name: 'uuid', short: 'u', value: 'UUID', about: 'UUID of the device', dmsetup: true },
  {
    name: 'major',
    short: 'j',
    value: 'NUMBER',
    about: 'Major number of the device, with --minor',
    dmsetup: true,
  },
  {
    name: 'minor',
    short: 'm',
    value: 'NUMBER',
    about: 'Minor number of the device, with --major',
    dmsetup: true,
  },
  { name: 'inactive', about: 'Ask for the inactive table instead of the live one', dmsetup: true },
  { name: 'showkeys', about: 'Show secrets in tables and filters', dmsetup: true },
  { name: 'target', value: 'TYPE', about: 'Lines or devices of this target type only', dmsetup: true },
  { name: 'noflush', about: 'Keep bios that targets hold back for the next table', dmsetup: true },
  { name: 'nolockfs', about: 'Accepted; there is no file system to lock', dmsetup: true },
  {
    name: 'force',
    short: 'f',
    about: 'Do it though it is in use: let requests fail instead of waiting for them',
    dmsetup: true,
  },
  { name: 'deferred', about: 'Remove the device when its last user closes it', dmsetup: true },
  { name: 'retry', about: 'Try again for a few seconds while the device is busy', dmsetup: true },
  { name: 'setuuid', about: 'Set the UUID instead of the name', dmsetup: true },
  { name: 'columns', short: 'c', about: 'One line a device, in columns', dmsetup: true },
  { name: 'noheadings', about: 'Leave the headings out', dmsetup: true },
  { name: 'separator', value: 'TEXT', about: 'Between columns, instead of padding', dmsetup: true },
  {
    name: 'options',
    short: 'o',
    value: 'FIELDS',
    about: 'Fields to show, with commas between',
    dmsetup: true,
  },
  {
    name: 'sort',
    short: 'O',
    value: 'FIELDS',
    about: 'Fields to sort by; - in front turns the order',
    dmsetup: true,
  },
  { name: 'nameprefixes', about: "Write each column as DM_FIELD='value'", dmsetup: true },
  { name: 'unquoted', about: 'With --nameprefixes, without the quotes', dmsetup: true },
  { name: 'tree', about: 'Draw what stands on what', dmsetup: true },
  { name: 'noopencount', about: 'Accepted; open counts cost nothing', dmsetup: true },

  { name: 'all', about: 'Filters, drivers and packages too' },
  { name: 'name', value: 'NAME', about: 'Name of the mapped device for --table, or of the snapshot' },
  {
    name: 'filter',
    value: "'TYPE[@ALTITUDE] ARGS'",
    about: 'Slide a filter over the device',
    repeated: true,
  },
  { name: 'unix', value: 'PATH', about: 'Serve on a UNIX socket' },
  { name: 'port', value: 'PORT', about: 'Serve on a TCP port; 0 takes a free one' },
  { name: 'host', value: 'HOST', about: 'Address for the TCP port; localhost by default' },
  {
    name: 'tls',
    value: 'off|on|require',
    about: 'Whether clients can use TLS, or must; off by default',
  },
  {
    name: 'tls-certificates',
    value: 'DIR',
    about: 'Folder with ca-cert.pem, server-cert.pem and server-key.pem',
  },
  { name: 'tls-verify-peer', about: 'Refuse clients that have no certificate of the same authority' },
  { name: 'tls-psk', value: 'FILE', about: 'File of pre-shared keys, lines of NAME:KEY' },
  {
    name: 'allow',
    value: "'WORD...'",
    about: 'Take only clients for whom all the words hold, or all those of another --allow',
    repeated: true,
  },
  {
    name: 'block-size',
    value: 'MIN[:PREFERRED[:MAX]]',
    about: 'Block sizes to tell clients; those of the device by default',
  },
  { name: 'strict-blocks', about: 'Refuse requests that do not keep to the block sizes' },
  { name: 'max-connections', value: 'NUMBER', about: 'Connections to the export at a time' },
  { name: 'idle-timeout', value: 'SECONDS', about: 'Close connections that ask for nothing for so long' },
  {
    name: 'socket-mode',
    value: 'MODE',
    about: 'Who may connect to the UNIX socket, as for chmod; 600 by default',
  },
  { name: 'socket-group', value: 'GROUP', about: 'Group of the UNIX socket' },
  { name: 'read-only', about: 'Clients may not write' },
  { name: 'export-name', value: 'NAME', about: 'NBD export name; empty by default' },
  { name: 'as', value: 'NAME', about: 'NBD export name; the name of the device by default' },
  {
    name: 'method',
    value: 'auto|nbd|loop|fuse',
    about: 'How to attach; by default the first of nbd, loop and fuse that can be had',
  },
  { name: 'altitude', value: 'ALTITUDE', about: 'Where in the stack of filters; 200000 by default' },
  { name: 'stack', value: 'FILE', about: 'Compare with a stack file instead' },
  {
    name: 'store',
    value: 'FILE|auto',
    about: 'Where a snapshot keeps what its device loses; by default a file named by the snapshot',
    repeated: true,
  },
  { name: 'chunk', value: 'SECTORS', about: 'Copied together, a power of 2; 8 by default' },
  { name: 'transient', about: 'Gone at the next restart, and not to be merged; a little faster' },
  { name: 'merge', about: 'Merge it at once, or go on with a merge that was interrupted' },
  { name: 'no-wait', about: 'Do not wait for the end: the daemon sees to it' },
  { name: 'writable', about: 'Clients may write to the snapshot' },
  { name: 'progress', about: 'Until a resync or merge is over, which is shown' },
  { name: 'summary', about: 'Sums instead of the single records' },
  { name: 'from', value: 'NUMBER', about: 'Begin with the request of this number' },
  { name: 'count', value: 'NUMBER', about: 'Stop after so many records' },
  { name: 'seed', value: 'NUMBER', about: 'The same seed gives the same again' },
  {
    name: 'keep',
    value: 'PERCENT',
    about: 'So many of the writes that are not stable survive; else as the filter is set',
  },
  {
    name: 'torn',
    value: 'PERCENT',
    about: 'So many of those that survive do so in part; else as the filter is set',
  },
  { name: 'on', about: 'The power is back at once' },
  { name: 'size', value: 'SIZE', about: 'Size of an empty disk, or of a store that is made, e.g. 64M' },
  { name: 'image', value: 'FILE', about: 'Image of the disk: to begin with a copy of it, or to write' },
  { name: 'prepare', value: 'COMMAND', about: 'Run first on the disk, in INTERPOSER_IMAGE; not recorded' },
  { name: 'run', value: 'COMMAND', about: 'The program to record' },
  { name: 'check', value: 'COMMAND', about: 'Says with its exit code whether a disk is in order' },
  { name: 'dir', value: 'DIR', about: 'Results folder, new or empty; crash-test-<n> by default' },
  { name: 'log', value: 'FILE', about: 'Log of the target log-writes, in place of a run' },
  { name: 'base', value: 'FILE', about: 'The disk before the first write of the log' },
  { name: 'resume', value: 'DIR', about: 'Go on with the search in a results folder' },
  {
    name: 'present',
    value: 'image|nbd|device',
    about:
      'How the check gets a disk: INTERPOSER_IMAGE (a raw file, the default), INTERPOSER_URI or INTERPOSER_DISK (by nbdfuse)',
  },
  { name: 'jobs', value: 'NUMBER', about: 'Checks at a time; as many as there are processors by default' },
  { name: 'states', value: 'NUMBER', about: 'Disks to make in all, at most; 10000 by default' },
  { name: 'per-epoch', value: 'NUMBER', about: 'Disks to make between two flushes, at most; 512 by default' },
  {
    name: 'exhaustive',
    value: 'NUMBER',
    about: 'Up to so many writes between two flushes all subsets are made; 8 by default',
  },
  { name: 'unit', value: 'BYTES', about: 'What the disk writes whole; 512 by default' },
  { name: 'timeout', value: 'SECONDS', about: 'A check that takes longer has failed; 60 by default' },
  { name: 'keep-going', about: 'Go on after the first failure' },
  { name: 'junit', value: 'FILE', about: 'Write the report as JUnit XML too' },
  {
    name: 'key-file',
    value: 'FILE',
    about: 'File with the passphrase or key, all of it; - for standard input. Else it is typed',
  },
  {
    name: 'hex',
    about: 'The key file has hexadecimal digits; blanks and newlines between them do not count',
  },
  { name: 'keyfile-offset', value: 'BYTES', about: 'Bytes of the key file to leave out' },
  {
    name: 'keyfile-size',
    value: 'BYTES',
    about: 'Bytes of the key file to take; all that follow by default',
  },
  { name: 'new-keyfile', value: 'FILE', about: 'File with the new passphrase; - for standard input' },
  { name: 'volume-key-file', value: 'FILE', about: 'File with the volume key, in place of a passphrase' },
  { name: 'key-slot', value: 'SLOT', about: 'Number of the key slot' },
  { name: 'header', value: 'FILE', about: 'Image or device with the header, where it is not with the data' },
  { name: 'allow-discards', about: 'Let discards through, which shows where the disk is empty' },
  { name: 'test-passphrase', about: 'Open no device, only see whether the passphrase is right' },
  { name: 'type', value: 'luks1|luks2', about: 'Version; luks2 by default' },
  { name: 'cipher', value: 'CIPHER', about: 'As in a crypt table; aes-xts-plain64 by default' },
  { name: 'key-size', value: 'BITS', about: 'Of the volume key; 512 for XTS, 256 for others by default' },
  { name: 'hash', value: 'HASH', about: 'Hash function; sha256 by default' },
  { name: 'sector-size', value: 'BYTES', about: 'What is encrypted together: 512, 1024, 2048 or 4096' },
  {
    name: 'data-offset',
    value: 'SIZE',
    about: 'Where the data begins; 16M for luks2, 2M for luks1, 0 with --header by default',
  },
  { name: 'label', value: 'TEXT', about: 'Label of the volume' },
  {
    name: 'pbkdf',
    value: 'argon2id|argon2i|pbkdf2',
    about: 'How a passphrase becomes a key; argon2id by default, with luks1 pbkdf2',
  },
  {
    name: 'iterations',
    value: 'NUMBER',
    about: 'Of pbkdf2, 1000000 by default; passes of argon2, 4 by default',
  },
  { name: 'pbkdf-memory', value: 'KIB', about: 'Memory for argon2; 1 GiB, at most half of all, by default' },
  {
    name: 'pbkdf-parallel',
    value: 'NUMBER',
    about: 'Lanes of argon2; as many as processors, at most 4, by default',
  },
  {
    name: 'overwrite',
    about: 'Do it though it cannot be undone: what is there is lost, or the last passphrase',
  },
  { name: 'salt', value: 'HEX', about: 'Salt in hexadecimal, or - for none; 32 random bytes by default' },
  { name: 'format', value: '0|1', about: 'Type of the hashes: 1, or 0 for that of Chrome OS' },
  { name: 'data-block-size', value: 'BYTES', about: 'Block of the data; 4096 by default' },
  { name: 'hash-block-size', value: 'BYTES', about: 'Block of the hashes; 4096 by default' },
  { name: 'data-blocks', value: 'NUMBER', about: 'Blocks of data; all by default' },
  { name: 'hash-offset', value: 'BYTES', about: 'Where superblock and hashes begin on their device' },
  { name: 'no-superblock', about: 'There is no superblock in front of the hashes' },
  { name: 'root-hash-file', value: 'FILE', about: 'File with the root hash in hexadecimal' },
  { name: 'fec-device', value: 'FILE', about: 'Where the parity is; block sizes must be the same' },
  { name: 'fec-offset', value: 'BYTES', about: 'Where the parity begins on its device' },
  { name: 'fec-roots', value: 'NUMBER', about: 'Bytes of parity for 255 bytes, 2 to 24; 2 by default' },
  { name: 'foreground', about: 'Stay in the terminal and log to standard error' },
  // Not for users: says to a daemon that the process which started it waits for its report.
  { name: 'started', about: '' },

  { name: 'noudevrules', about: '', dmsetup: true, ignored: true },
  { name: 'noudevsync', about: '', dmsetup: true, ignored: true },
  { name: 'verifyudev', about: '', dmsetup: true, ignored: true },
  { name: 'udevcookie', value: 'COOKIE', about: '', dmsetup: true, ignored: true },
  { name: 'addnodeoncreate', about: '', dmsetup: true, ignored: true },
  { name: 'addnodeonresume', about: '', dmsetup: true, ignored: true },
  { name: 'readahead', value: 'SECTORS', about: '', dmsetup: true, ignored: true },
  { name: 'manglename', value: 'MODE', about: '', dmsetup: true, ignored: true },
  { name: 'uid', short: 'U', value: 'UID', about: '', dmsetup: true, ignored: true },
  { name: 'gid', short: 'G', value: 'GID', about: '', dmsetup: true, ignored: true },
  { name: 'mode', short: 'M', value: 'MODE', about: '', dmsetup: true, ignored: true },
  { name: 'checks', about: '', dmsetup: true, ignored: true },
  { name: 'yes', short: 'y', about: '', dmsetup: true, ignored: true },
];

/** Options that every verb takes. */
export const COMMON_OPTIONS: readonly string[] = ['help', 'json', 'socket', 'plugin', 'no-start'];

/** Options that verbs take from one another, not from users. */
export const INTERNAL_OPTIONS: readonly string[] = ['started'];

/** Other spellings dmsetup knows. */
const SYNONYMS: Readonly<Record<string, string>> = { C: 'columns' };

/** The option of a long name or of a short letter. */
export function findOption(name: string, isShort: boolean): OptionSpec | undefined {
  const real = isShort ? SYNONYMS[name] : undefined;
  return OPTIONS.find((option) =>
    isShort && real === undefined ? option.short === name : option.name === (real ?? name),
  );
}
