import { defineDriver, type DriverType, fail } from '@interposer/core';
import { formatNbdUri, type NbdUri, NbdUriError, parseNbdUri } from '@interposer/nbd-protocol';
import { openRemote } from './connect.ts';

/** `nbd://HOST[:PORT]/EXPORT` and `nbd+unix:///EXPORT?socket=PATH`: one connection, shared by all who name the same place. */
export const nbd: DriverType = defineDriver({
  name: 'nbd',
  version: [1, 0, 0],
  schemes: ['nbd', 'nbd+unix'],
  major: 43,
  // A text that cannot be parsed rejects like any other failure.
  identify: (spec, scheme) => Promise.resolve(spec).then((text) => formatNbdUri(uriOf(scheme, text))),
  async open({ scheme, spec, readOnly, clock, log, lost }) {
    const uri = uriOf(scheme, spec);
    for (const key of uri.unknownKeys) log(`${formatNbdUri(uri)}: "${key}" has no meaning here`);
    return openRemote({ uri, readOnly, clock, lost });
  },
});

function uriOf(scheme: string, spec: string): NbdUri {
  try {
    return parseNbdUri(`${scheme}:${spec}`);
  } catch (error) {
    if (error instanceof NbdUriError) throw fail('EINVAL', error.message, error);
    throw error;
  }
}
