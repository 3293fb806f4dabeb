import type { Port, PortOptions } from './port.ts';

/** The open port that forbids another one to be opened like this, if there is one. */
export function rivalOf({ claim, holder, inPlaceOf }: PortOptions, ports: Iterable<Port>): Port | undefined {
  if (claim === 'noexcl') return undefined;
  for (const port of ports) {
    if (port.claim === 'noexcl' || inPlaceOf?.has(port) === true) continue;
    if (claim === 'exclusive' && port.claim === 'exclusive' && port.holder === holder) continue;
    if (claim === 'exclusive' || port.claim === 'exclusive') return port;
  }
  return undefined;
}
