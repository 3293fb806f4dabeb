import { defineDriver, type DriverType, type OpenRequest } from '@interposer/core';
import { formatNbdUri } from '@interposer/nbd-protocol';
import { openConnections } from './open-connection.ts';
import type { RecoveryOptions } from './recovery.ts';
import { limitsOf } from './remote-limits.ts';
import { RemoteDevice } from './remote.ts';
import { settingsOf, uriOf } from './settings.ts';

/** Milliseconds from the connecting to the end of the handshake. */
const OPEN_TIMEOUT = 30_000;

/**
 * `nbd://HOST[:PORT]/EXPORT`, `nbd+unix:///EXPORT?socket=PATH`, and `nbds` for TLS: one device, shared by all who name the same
 * place. `connections=N` and `reconnect=SECONDS` say how it is reached, not where it is: whoever opens it first decides.
 */
export const nbd: DriverType = defineDriver({
  name: 'nbd',
  version: [1, 1, 0],
  schemes: ['nbd', 'nbd+unix', 'nbds', 'nbds+unix'],
  major: 43,
  // A text that cannot be parsed rejects like any other failure.
  identify: (spec, scheme) => Promise.resolve(spec).then((text) => formatNbdUri(uriOf(scheme, text))),
  open: openRemote,
});

async function openRemote({ scheme, spec, readOnly, clock, log, lost }: OpenRequest): Promise<RemoteDevice> {
  const uri = uriOf(scheme, spec);
  const say = (message: string): void => log(`${formatNbdUri(uri)}: ${message}`);
  const settings = settingsOf(uri, say);
  const open: RecoveryOptions['open'] = (timeout, signal) =>
    openConnections({ settings, clock, timeout: Math.min(timeout, OPEN_TIMEOUT), signal, log: say });
  const connections = await openConnections({ settings, clock, timeout: OPEN_TIMEOUT, log: say });
  try {
    const limits = limitsOf(connections[0]!.remote, readOnly);
    const limit = settings.reconnect;
    return new RemoteDevice({
      connections,
      limits,
      clock,
      log: say,
      lost,
      ...(limit === 0 ? {} : { reconnect: { limit, open } }),
    });
  } catch (error) {
    for (const connection of connections) connection.abandon();
    throw error;
  }
}
