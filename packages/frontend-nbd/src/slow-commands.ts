import { asError } from '@interposer/core';
import { CommandFlag, NbdCommand, NbdError } from '@interposer/nbd-protocol';
import { blockStatus, decodeStatusPayload } from './block-status.ts';
import { performCarefully } from './careful.ts';
import { statusAnswer } from './chunk-answers.ts';
import { nbdErrorOf } from './errno.ts';
import type { Export } from './export.ts';
import type { Holdings } from './holdings.ts';
import type { Agreement } from './negotiation-host.ts';
import { OneAtATime } from './one-at-a-time.ts';
import type { Payloads } from './payloads.ts';
import type { RequestChecks } from './request-checks.ts';
import type { Request } from './request.ts';
import { statusOf } from './unaligned.ts';
import { warm } from './warm.ts';

/** What the slow commands of a connection work with. */
export interface SlowCommandsOptions {
  readonly exported: Export;
  readonly agreement: Agreement;
  readonly payloads: Payloads;
  readonly holdings: Holdings;
  readonly checks: RequestChecks;
  /** Whether what is not finished should go on for long: the client is there, and the server does not shut down. */
  readonly isWanted: () => boolean;
}

/** Commands that take several steps, one after the other: block status, reading ahead, and what is not made of whole blocks. */
export class SlowCommands {
  readonly #options: SlowCommandsOptions;
  /** The runs of a fragmented range take much more memory than the answer that they become. */
  readonly #status = new OneAtATime();
  /** Reading ahead must not take a device from those who wait for it. */
  readonly #warming = new OneAtATime();

  constructor(options: SlowCommandsOptions) {
    this.#options = options;
  }

  /** Performs a request to its end; its error says how it went. Never rejects. */
  async perform(request: Request): Promise<void> {
    try {
      await this.#run(request);
    } catch (error) {
      request.error = nbdErrorOf(statusOf(error));
      request.reason = asError(error).message;
      // A bio that failed may still be in the hands of the plugin that was to blame.
      if (request.payload !== null) this.#options.payloads.forsake(request);
    }
  }

  async #run(request: Request): Promise<void> {
    const { exported, holdings, payloads, isWanted } = this.#options;
    if (request.command === NbdCommand.BlockStatus) {
      await this.#status.run(() => this.#tellStatus(request));
    } else if (request.command === NbdCommand.Cache) {
      await this.#warming.run(() => warm(request, exported, holdings.pool, isWanted));
    } else {
      if (request.command === NbdCommand.Read) payloads.take(request, exported.block);
      await performCarefully(request, exported);
    }
  }

  async #tellStatus(request: Request): Promise<void> {
    const { exported, agreement, isWanted } = this.#options;
    const contexts = request.incoming > 0 ? this.#takePayload(request) : agreement.contexts;
    if (request.error !== NbdError.None) return;
    const answers = await blockStatus(request, exported, contexts, isWanted);
    request.answer = statusAnswer(request, agreement.dialect, answers);
  }

  /** The contexts that the payload names; sets the range, and the error if anything is wrong with either. */
  #takePayload(request: Request): Agreement['contexts'] {
    const { agreement, payloads, checks } = this.#options;
    const wanted = decodeStatusPayload(request.payload!.subarray(0, request.incoming), agreement.contexts);
    payloads.give(request);
    request.flags &= ~CommandFlag.PayloadLength;
    request.length = wanted?.length ?? 0;
    request.error = checks.checkStatus(request);
    return wanted?.contexts ?? [];
  }
}
