import { fail } from '@interposer/core';

/** The first descriptor that is passed. Source: sd_listen_fds(3). */
const FIRST_FD = 3;

/** A socket that listens already, from whoever started this process. */
export interface InheritedSocket {
  /** For `NbdServer.listen({ fd })`. */
  readonly fd: number;
  /** `FileDescriptorName=` of the socket unit; empty if it has none. */
  readonly name: string;
}

/**
 * The sockets that systemd, or whoever follows its protocol, passed to this process (`LISTEN_PID`, `LISTEN_FDS` and
 * `LISTEN_FDNAMES`): none if they are another process's. The variables are removed from the environment, so that no child takes
 * them for its own; a second call answers none. EINVAL if they make no sense.
 */
export function inheritedSockets(environment: NodeJS.ProcessEnv = process.env): InheritedSocket[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count = '', LISTEN_FDNAMES: names } = environment;
  delete environment.LISTEN_PID;
  delete environment.LISTEN_FDS;
  delete environment.LISTEN_FDNAMES;
  if (pid === undefined || Number(pid) !== process.pid) return [];
  if (!/^\d{1,6}$/.test(count))
    throw fail('EINVAL', `LISTEN_FDS is "${count}", which is no number of sockets`);
  const named = names?.split(':') ?? [];
  return Array.from({ length: Number(count) }, (_, index) => ({
    fd: FIRST_FD + index,
    name: named[index] ?? '',
  }));
}
