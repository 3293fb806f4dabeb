// @ts-check
/** From what the guest printed to what is recorded of a step. */

import { parseStep } from '../../packages/conformance/dist/index.js';

/** What the C library says of each errno. */
const ERRNOS = {
  'Operation not permitted': 'EPERM',
  'No such file or directory': 'ENOENT',
  'Input/output error': 'EIO',
  'No such device or address': 'ENXIO',
  'Argument list too long': 'E2BIG',
  'Permission denied': 'EACCES',
  'Block device required': 'ENOTBLK',
  'Device or resource busy': 'EBUSY',
  'File exists': 'EEXIST',
  'No such device': 'ENODEV',
  'Invalid argument': 'EINVAL',
  'Inappropriate ioctl for device': 'ENOTTY',
  'No space left on device': 'ENOSPC',
  'Read-only file system': 'EROFS',
  'Numerical result out of range': 'ERANGE',
  'Operation not supported': 'EOPNOTSUPP',
  'Remote I/O error': 'EREMOTEIO',
  'Too many levels of symbolic links': 'ELOOP',
  'Bad message': 'EBADMSG',
  'No data available': 'ENODATA',
  'Invalid or incomplete multibyte or wide character': 'EILSEQ',
  'Cannot allocate memory': 'ENOMEM',
  'Required key not available': 'ENOKEY',
  'Resource temporarily unavailable': 'EAGAIN',
  'Value too large for defined data type': 'EOVERFLOW',
};

/** A part of the output: what was printed, the exit code, complaints, names of mapped devices. */
const STEP = /^([\s\S]*?)@code (\d+)\n([\s\S]*)$/;
/** Verbs whose text is what is seen of them. */
const TEXTS = ['table', 'table-keys', 'table-inactive', 'status', 'status-inactive', 'info', 'deps'];
const DIGESTS = ['read', 'disk'];

/**
 * @param {readonly string[]} steps of a case
 * @param {string} output of its script
 * @param {ReadonlyMap<string, string>} disks letters by device number
 * @returns {(readonly [step: string, seen: string])[]}
 */
export function seenSteps(steps, output, disks) {
  const parts = output.split(/^@step\n/m).slice(1, -1);
  if (parts.length !== steps.length)
    throw new Error(`${steps.length} steps, ${parts.length} results:\n${output}`);
  return steps.map((step, index) => [step, seenOf(parseStep(step).verb, parts[index] ?? '', disks)]);
}

/** @param {string} verb @param {string} part @param {ReadonlyMap<string, string>} disks */
function seenOf(verb, part, disks) {
  const [, stdout = '', code = '', rest = ''] = STEP.exec(part) ?? [];
  if (code !== '0') return errnoIn(rest);
  if (DIGESTS.includes(verb)) return stdout.slice(0, 16);
  if (['message', 'flushed'].includes(verb)) return stdout.trim() || 'ok';
  if (!TEXTS.includes(verb)) return 'ok';
  return named(verb === 'deps' ? depsText(stdout) : stdout, disks, rest);
}

/** @param {string} stderr */
function errnoIn(stderr) {
  if (stderr.startsWith('no node')) return 'absent';
  const last = Object.entries(ERRNOS).find(([text]) => stderr.includes(text));
  return last?.[1] ?? 'refused';
}

/**
 * Device numbers as names in braces, rows on one line.
 *
 * @param {string} stdout @param {ReadonlyMap<string, string>} disks @param {string} names lines of mapped devices
 */
function named(stdout, disks, names) {
  const mapped = [...names.matchAll(/^@name (\S+) (\S+)$/gm)].map(
    ([, name, number]) => /** @type {const} */ ([number, name]),
  );
  const all = new Map([...disks, ...mapped]);
  return stdout
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join(' / ')
    .replaceAll(/\b\d+:\d+\b/g, (number) => (all.has(number) ? `{${all.get(number)}}` : number));
}

/** The last opened first, as in the kernel. @param {string} stdout */
function depsText(stdout) {
  return [...stdout.matchAll(/\((\d+), (\d+)\)/g)].map(([, major, minor]) => `${major}:${minor}`).join(' ');
}
