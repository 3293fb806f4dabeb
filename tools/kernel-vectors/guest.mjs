// @ts-check
/** What the guest does for a case: a shell script, and what its output means. */

import { parseStep, tableText, unpackBytes } from '../../packages/conformance/dist/index.js';

/**
 * Programs of the host that the scripts use; all others are busybox's, whose shell takes its own where a name has no path. Its dd
 * knows no direct writes.
 */
export const PROGRAMS = ['dmsetup', 'blkdiscard', 'dd'];

/** Modules of the target types that the guest's kernel has, with the algorithms that they load by name. */
export const MODULES = [
  'dm-mod',
  'dm-zero',
  'dm-delay',
  'dm-flakey',
  'dm-mirror',
  'dm-snapshot',
  'dm-log-writes',
  'dm-crypt',
  'dm-verity',
  'dm-dust',
  'xts',
  'lrw',
  'essiv',
  'camellia-generic',
  'crc32-generic',
  'crypto-null',
];

/** Letters of the disks as the guest has them, with that of what is written. */
const NODES = { a: '/dev/vda', b: '/dev/vdb', c: '/dev/vdc', W: '/dev/vdd' };

/**
 * `s` runs a command and tells what it printed, its exit code and what it complained of. Processes are what takes time in an
 * emulated machine, so all that can be is done by the shell itself.
 */
const PRELUDE = `
export DM_DISABLE_UDEV=1 LC_ALL=C
s() {
  echo "@step"
  "$@" 2>/tmp/err
  code=$?
  echo "@code $code"
  [ $code = 0 ] || cat /tmp/err
}
on() {
  [ -b $1 ] || { echo 'no node' >&2; return 9; }
  shift
  "$@"
}
names() {
  for device in /sys/block/dm-*; do
    [ -e $device/dm/name ] || continue
    read name <$device/dm/name
    read number <$device/dev
    echo "@name $name $number"
  done
}
digest() {
  "$@" >/tmp/data && sha256sum </tmp/data
}
disk() {
  blockdev --flushbufs $1
  sha256sum <$1
}
flushes() {
  # Kernel: Documentation/block/stat.rst; the sixteenth number.
  read _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ count _ </sys/block/$1/stat
}
flushed() {
  flushes $1
  eval before=\\$before_$1
  eval before_$1=$count
  [ $count = $before ] && echo no || echo yes
}
settle() {
  for turn in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    dmsetup status $1 | grep -q ' \\([0-9]*\\)/\\1 \\| \\([0-9]*\\)/[0-9]* \\2$' && return
    usleep 100000
  done
  return 1
}
for disk in a b c; do
  /usr/bin/dd if=/tmp/pristine-$disk of=/dev/disk-$disk bs=512k oflag=direct 2>/dev/null
done
for node in vda vdb vdc; do
  flushes $node
  eval before_$node=$count
done
`;

/** Keeps what the disks hold, and tells what there is. To be run before all cases. */
export const KEEP = `
for disk in a=vda b=vdb c=vdc; do
  letter=\${disk%=*}
  node=\${disk#*=}
  cat /dev/$node >/tmp/pristine-$letter
  ln -s $node /dev/disk-$letter
  cat /sys/block/$node/dev
done
uname -r
DM_DISABLE_UDEV=1 dmsetup targets
`;

/** @param {readonly string[]} steps */
export function scriptOf(steps) {
  return `${PRELUDE}\n${steps.map(commandOf).join('\n')}\necho "@step"\ndmsetup remove_all --force >/dev/null 2>&1; true\n`;
}

/** @param {string} text */
function commandOf(text) {
  const { verb, name, words, rest } = parseStep(text);
  const [first = '', second = '', third = ''] = words;
  const node = nodeOf(name);
  const table = () => `printf '%s' ${quote(tableText(rest, nodeOf))} >/tmp/table`;
  const bytes = Number(second) * 512;
  /** @type {Record<string, () => string>} */
  const commands = {
    create: () => `${table()}; s dmsetup create ${name} /tmp/table`,
    'create-readonly': () => `${table()}; s dmsetup create --readonly ${name} /tmp/table`,
    'create-empty': () => `s dmsetup create --notable ${name}`,
    load: () => `${table()}; s dmsetup load ${name} /tmp/table`,
    resume: () => `s dmsetup resume ${name}`,
    suspend: () => `s dmsetup suspend ${name}`,
    'suspend-noflush': () => `s dmsetup suspend --noflush ${name}`,
    clear: () => `s dmsetup clear ${name}`,
    remove: () => `s dmsetup remove ${name}`,
    rename: () => `s dmsetup rename ${name} ${rest}`,
    message: () => `s dmsetup message ${name} ${first} ${words.slice(1).map(quote).join(' ')}`,
    table: () => `s dmsetup table ${name}; names`,
    'table-inactive': () => `s dmsetup table --inactive ${name}; names`,
    'table-keys': () => `s dmsetup table --showkeys ${name}; names`,
    status: () => `s dmsetup status ${name}; names`,
    'status-inactive': () => `s dmsetup status --inactive ${name}; names`,
    info: () => `s dmsetup info -c --noheadings --separator ' ' -o attr,open,segments,events ${name}`,
    deps: () => `s dmsetup deps ${name}; names`,
    read: () =>
      `s on ${node} digest /usr/bin/dd if=${node} bs=${bytes} skip=$((${first} * 512)) iflag=direct,skip_bytes count=1`,
    write: () =>
      `s on ${node} /usr/bin/dd if=${NODES.W} of=${node} bs=${bytes} skip=$((${third} * 512)) iflag=skip_bytes seek=$((${first} * 512)) ` +
      'oflag=direct,seek_bytes conv=notrunc count=1',
    put: () =>
      `echo ${unpackBytes(second).toString('base64')} | base64 -d >/tmp/put; ` +
      `s on ${node} /usr/bin/dd if=/tmp/put of=${node} bs=1M seek=$((${first} * 512)) oflag=direct,seek_bytes conv=notrunc`,
    flush: () => `s on ${node} sync ${node}`,
    discard: () => `s on ${node} /usr/bin/blkdiscard -f -o $((${first} * 512)) -l ${bytes} ${node}`,
    zero: () => `s on ${node} /usr/bin/blkdiscard -f -z -o $((${first} * 512)) -l ${bytes} ${node}`,
    flushed: () => `s flushed ${node.replace('/dev/', '')}`,
    wait: () => `s usleep $((${name} * 1000))`,
    settle: () => `s settle ${name}`,
    disk: () => `s disk ${node}`,
  };
  const command = commands[verb];
  if (command === undefined) throw new Error(`no step of a case: ${text}`);
  return command();
}

/** @param {string} name */
function nodeOf(name) {
  return NODES[/** @type {keyof typeof NODES} */ (name)] ?? `/dev/mapper/${name}`;
}

/** @param {string} word */
function quote(word) {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
