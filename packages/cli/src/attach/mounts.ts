/** One line of the table of mounts. */
export interface Mount {
  readonly point: string;
  /** Of the file system, e.g. `ext4`, `fuse`. */
  readonly type: string;
  /** What is mounted, e.g. `/dev/loop0`. */
  readonly source: string;
}

/** Reads the table of mounts. Kernel: Documentation/filesystems/proc.rst, /proc/PID/mountinfo. */
export function parseMounts(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    const words = line.split(' ');
    // Between the fifth field and the separator stands any number of optional ones.
    const separator = words.indexOf('-', 5);
    if (separator < 0) continue;
    const [point, type, source] = [words[4], words[separator + 1], words[separator + 2]];
    mounts.push({ point: unescape(point), type: unescape(type), source: unescape(source) });
  }
  return mounts;
}

/** Blanks and the like are written as three octal digits. */
function unescape(word = ''): string {
  return word.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

/** Whether a mount is of a device node or of one of its partitions, e.g. `/dev/loop0p1`. */
export function isOn(mount: Mount, node: string): boolean {
  return partitionsPattern(node).test(mount.source);
}

/** Matches a node and its partitions. */
export function partitionsPattern(node: string): RegExp {
  return new RegExp(`^${node.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?:p\\d+)?$`);
}

/** What one sees at a path: of several mounts there the latest. */
export function mountAt(mounts: readonly Mount[], point: string): Mount | undefined {
  return mounts.findLast((mount) => mount.point === point);
}

/** Whether nbdfuse made a mount. */
export function isFuse({ type }: Mount): boolean {
  return type === 'fuse' || type === 'fuse.nbdfuse';
}
