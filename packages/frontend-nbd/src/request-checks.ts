import { CommandFlag, NbdCommand, NbdError } from '@interposer/nbd-protocol';
import { isStatusPayload } from './block-status.ts';
import { checkRequest } from './check-request.ts';
import type { Export } from './export.ts';
import type { Agreement } from './negotiation-host.ts';
import type { Request } from './request.ts';

/** Whether the requests of one connection may be performed. */
export class RequestChecks {
  /** Refuses all that comes from now on. */
  shuttingDown = false;
  readonly #exported: Export;
  readonly #agreement: Agreement;

  constructor(exported: Export, agreement: Agreement) {
    this.#exported = exported;
    this.#agreement = agreement;
  }

  /** Sets the error that a request is to be answered with, and whether it is made of whole blocks. */
  check(request: Request): void {
    const { offset, length, command } = request;
    const { block } = this.#exported;
    request.crooked = offset % block !== 0 || length % block !== 0;
    if (this.shuttingDown) request.error = NbdError.Shutdown;
    else if (command !== NbdCommand.BlockStatus) request.error = this.#checkRules(request);
    // With a payload the range is not known yet.
    else request.error = this.#hasPayload(request) ? this.#checkPayload(request) : this.checkStatus(request);
  }

  /** The same for a request for block status whose range is known. */
  checkStatus(request: Request): NbdError {
    if (this.#agreement.contexts.length === 0 || request.length === 0) return NbdError.Inval;
    return this.#checkRules(request);
  }

  #checkRules(request: Request): NbdError {
    return checkRequest(this.#exported, this.#agreement.dialect, request);
  }

  #hasPayload({ flags }: Request): boolean {
    return this.#agreement.dialect.extended && (flags & CommandFlag.PayloadLength) !== 0;
  }

  #checkPayload({ incoming }: Request): NbdError {
    return isStatusPayload(incoming, this.#agreement.contexts) ? NbdError.None : NbdError.Inval;
  }
}
