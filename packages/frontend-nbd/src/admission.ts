import { fail } from '@interposer/core';
import { OptionReply } from '@interposer/nbd-protocol';
import { Access, type AccessMeans } from './access.ts';
import type { Client } from './client.ts';
import type { Refusal } from './negotiation-host.ts';
import type { NbdExport } from './options.ts';

/** Decides who may use an export. */
export class Admission {
  readonly #access: Access;
  readonly #maxConnections: number;

  /** EINVAL, ENOTSUP: a rule or a limit that makes no sense on this server. */
  constructor({ allow = [], maxConnections = Infinity }: NbdExport, means: AccessMeans) {
    if (!(maxConnections >= 1)) {
      throw fail('EINVAL', `maxConnections of an export is at least 1, not ${String(maxConnections)}`);
    }
    this.#access = new Access(allow, means);
    this.#maxConnections = maxConnections;
  }

  /** Why a client may not use the export, or may not open it now that it has so many connections; null if it may. */
  refusal(client: Client, opening: boolean, connections: number): Refusal | null {
    const verdict = this.#access.judge(client);
    if (verdict === 'tls') {
      return { type: OptionReply.ErrTlsRequired, message: 'this export is for clients with TLS only' };
    }
    if (verdict === 'refused') {
      return { type: OptionReply.ErrPolicy, message: 'this export is not for this client' };
    }
    if (!opening || connections < this.#maxConnections) return null;
    return { type: OptionReply.ErrPolicy, message: 'this export has as many connections as it may have' };
  }
}
