import type { PeerName } from './peer-servers.ts';

/** Why a rule fails with a server: what that server does, whatever its version. */
export type Deviations = Readonly<Record<string, string>>;

/** What the peers do otherwise than the protocol asks, by rule. */
export const knownDeviations: Readonly<Record<PeerName, Deviations>> = {
  nbdkit: {
    'structured.errors': 'A payload-free error is sent as a simple reply, without a text.',
    'context.set.twice': 'A query that is there twice is answered twice, with the same id.',
    'zeroes.fast.unadvertised':
      'A FAST_ZERO that was not offered gets past the checks of flags and ends the server on an assertion.',
    'zeroes.no-hole.provisioned':
      'The file plugin takes what SEEK_HOLE says, and file systems call allocated blocks that were not written a hole.',
  },
  'qemu-nbd': {
    'disconnect.finishes': 'DISC closes the connection at once; requests in flight are dropped.',
    'write.range.beyond': 'EINVAL is sent for every request that is out of range.',
    'write.range.across': 'EINVAL is sent for every request that is out of range.',
    'zeroes.range': 'EINVAL is sent for every request that is out of range.',
    'zeroes.range.across': 'EINVAL is sent for every request that is out of range.',
    'zeroes.no-hole.provisioned':
      'The file driver takes what SEEK_HOLE says, and file systems call allocated blocks that were not written a hole.',
  },
  'nbd-server': {
    'greeting.unknown-client-flag': 'Client flags that are not known are noted and ignored.',
    'abort.ack': 'ABORT closes the connection without an answer.',
    'abort.data': 'ABORT closes the connection without an answer.',
    'option.list.data':
      'After the error the list is sent all the same, and takes the place of the next answer.',
    'info.malformed.name-length':
      'After the error the rest of the option is waited for, or taken for the next one.',
    'info.malformed.count': 'The option is read beyond its length.',
    'info.malformed.short': 'The option is read beyond its length.',
    'info.malformed.go': 'Bytes after the last part of an option are taken for the next message.',
    'go.same-as-info': 'INFO says that the export has no bytes; GO says how many.',
    'flush.flag.foreign': 'Flags that are known are accepted with every command.',
    'read.flag.foreign': 'Flags that are known are accepted with every command.',
    'write.flag.foreign': 'Flags that are known are accepted with every command.',
    'trim.flag.foreign': 'Flags that are known are accepted with every command.',
  },
};

/** Those that depend on timing or on the file system below: they may hold. */
export const sometimes: ReadonlySet<string> = new Set(['disconnect.finishes', 'zeroes.no-hole.provisioned']);
