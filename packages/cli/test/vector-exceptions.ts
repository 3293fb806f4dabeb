/** A recorded command that is not repeated. */
interface Exception {
  /** Matches the command, with what it reads behind ` << `. */
  readonly command: RegExp;
  /** Scenarios it stands in; absent: any. */
  readonly scenario?: string;
  /** How many steps are left out with it: those that look at what it did. */
  readonly steps?: number;
  readonly reason: string;
}

const EXCEPTIONS: readonly Exception[] = [
  // Not offered: what belongs to the kernel, to udev or to LVM.
  {
    command: /^(?:mknodes|mangle|measure|udev\w+|setgeometry|splitname)\b/,
    reason: 'a verb for nodes, udev, disk geometry or LVM',
  },
  { command: /--exec\b/, reason: 'there is no device node to run a program on' },
  { command: /^create --concise c1/, steps: 4, reason: 'the concise form is for boot command lines' },
  { command: /--concise\b/, reason: 'the concise form is for boot command lines' },
  {
    command: /^info .*(?:-S |--count|--rows|--unbuffered)/,
    reason: 'reports are selected and repeated by other programs',
  },
  {
    command: /^info .*-o (?:\S*subsystem|mangled|all|nosuch)/,
    reason: 'columns of LVM and of name mangling',
  },
  {
    command: /^info .*-o \S*blkdevs?_?(?:used|name)/,
    reason: 'names of our devices are paths, which widens the columns',
  },
  { command: /^ls --tree -o (?:inverted|compact)/, reason: 'other forms of the tree' },
  { command: /^message x 0 @stats_/, reason: 'statistics of the device mapper core' },
  { command: /^(?:-vv|info -y|-v info)/, reason: "debugging output of dmsetup's library" },

  // Different on purpose.
  { command: /^(?:--version|version)$/, reason: 'the version is our own' },
  { command: /^targets$/, reason: 'in order of name; the kernel lists what was loaded last first' },
  { command: /^(?:help.*|--help|-h)$/, reason: 'help that was asked for goes to standard output' },
  {
    command: /^rename -u ZU zz/,
    reason: 'dmsetup does not find a device to rename by uuid; here it is renamed',
  },

  // Number forms of C's scanf: a table line begins with two plain numbers here.
  { command: /^create a --table [-+]0 /, steps: 3, reason: 'a sign in front of a sector number' },
  { command: /^create a --table 0 8\.5 /, reason: 'a fraction of a sector' },
  {
    command: /^create r << (?:\S*[-+.x]\S* |\d+ \S*[-+.xe]\S* zero)/,
    steps: 2,
    reason: 'a sign or letter in a sector number',
  },
  {
    command: /^create a --table 0 8 linear \S+ 0 \\$/,
    steps: 3,
    reason: 'a backslash at the end of the line',
  },
  { command: /^create r << 0 18014398509481983 /, steps: 2, reason: 'sector numbers end at 2^53-1 here' },

  // Where the engine refuses earlier than the kernel.
  {
    command: /^load x --table 0 999999 linear/,
    steps: 2,
    reason: 'a device too small is refused at load here, not at resume',
  },
  {
    command: /./,
    scenario: 'too-small-second-load',
    reason: 'a device too small is refused at load here, not at resume',
  },
  {
    command: /^load r << 0 8 linear \S+ 4090/,
    steps: 2,
    reason: 'a device too small is refused at load here, not at resume',
  },
  {
    command: /./,
    scenario: 'mapped-on-itself',
    reason: 'every cycle is refused at load here, with a code of its own',
  },
  {
    command: /^create r << 0 8 error \S+\n/,
    scenario: 'zero-error-arguments',
    steps: 2,
    reason: 'one argument of the error target is a device here',
  },

  // Of dmsetup on a machine without udev.
  { command: /^table \/dev\/mapper\/a$/, scenario: 'create', reason: 'a device node that was left behind' },
  { command: /^create a -u U{129,}/, reason: 'name mangling: dmsetup words the length its own way' },
];

/** How many steps from this one on are left out; 0: it is repeated. */
export function stepsToSkip(scenario: string, command: string): number {
  const found = EXCEPTIONS.find(
    (exception) => (exception.scenario ?? scenario) === scenario && exception.command.test(command),
  );
  return found === undefined ? 0 : (found.steps ?? 1);
}
