import { formatNbdUri, NbdOption, OptionReply, parseNbdUri } from '@interposer/nbd-protocol';
import { Kit, type Target } from './kit.ts';
import { makeReport, type Report, type Result, type Status } from './report/report.ts';
import { NotApplicable, type Rule, Violation } from './rule.ts';
import { rules as allRules } from './rules/index.ts';
import { secureFor } from './secure.ts';
import { type Survey, surveyServer, unmet } from './survey.ts';
import { Transcript } from './transcript.ts';
import { Unreachable } from './wire.ts';

/** How a server is checked. */
export interface CheckOptions {
  /** Run rules that change the export's data. They are lost. */
  readonly write?: boolean;
  /** Bytes at the start of the export that such rules may change; all by default. */
  readonly scratch?: number;
  /** The rules to run, by id. */
  readonly only?: (id: string) => boolean;
  /** Milliseconds that one rule may take; 5,000 by default. */
  readonly timeout?: number;
  /** Called when a rule has killed the server; resolves when it runs again. Without it the other rules are not run. */
  readonly revive?: () => Promise<void>;
  /** Called with each result at once. */
  readonly onResult?: (result: Result) => void;
}

const DEFAULT_TIMEOUT = 5000;

/** All rules go by what the first look finds, so it has time even where rules get little. */
const LEAST_SURVEY_TIMEOUT = 20_000;

/**
 * Runs the rules against the server at an NBD address, each on connections of its own. `NbdUriError` for a malformed
 * address, `Unreachable` if there is no connection at the start, or none in TLS.
 */
export async function checkServer(uri: string, options: CheckOptions = {}): Promise<Report> {
  const { timeout = DEFAULT_TIMEOUT, only = () => true } = options;
  const parsed = parseNbdUri(uri);
  const target: Target = { uri: parsed, secure: secureFor(parsed) };
  const survey = await bounded(Math.max(timeout, LEAST_SURVEY_TIMEOUT), (signal) =>
    surveyServer(target, signal),
  );
  const run = new Run(target, survey, options, timeout);
  const results: Result[] = [];
  for (const rule of allRules) {
    if (!only(rule.id)) continue;
    const result = await run.result(rule);
    results.push(result);
    options.onResult?.(result);
  }
  return makeReport(formatNbdUri(parsed), survey, results);
}

/** One pass through the rules. */
class Run {
  readonly #target: Target;
  readonly #survey: Survey;
  readonly #options: CheckOptions;
  readonly #timeout: number;
  readonly #scratch: number;
  /** The rule after which the server was gone. */
  #killer: string | null = null;

  constructor(target: Target, survey: Survey, options: CheckOptions, timeout: number) {
    this.#target = target;
    this.#survey = survey;
    this.#options = options;
    this.#timeout = timeout;
    this.#scratch = Math.min(options.scratch ?? Infinity, survey.size);
  }

  async result(rule: Rule): Promise<Result> {
    const { id, level, section, about } = rule;
    const started = Date.now();
    const outcome = await this.#outcome(rule);
    return { id, level, section, about, ...outcome, milliseconds: Date.now() - started };
  }

  async #outcome(rule: Rule): Promise<Outcome> {
    const writes = rule.writes === true;
    const reason = unmet(rule.needs ?? {}, this.#survey, false, 0);
    if (reason !== null) return { status: 'not-applicable', message: reason };
    if (writes && this.#options.write !== true) return { status: 'not-run', message: 'it changes data' };
    const tooSmall = unmet(rule.needs ?? {}, this.#survey, writes, this.#scratch);
    if (tooSmall !== null) return { status: 'not-run', message: tooSmall };
    if (this.#killer !== null)
      return { status: 'not-run', message: `the server was gone after ${this.#killer}` };
    const outcome = await this.#attempt(rule);
    const dead = await this.#dead();
    if (dead === null) return outcome;
    if (this.#options.revive === undefined) this.#killer = rule.id;
    else await this.#options.revive();
    const message = `after it the server no longer serves a new client: ${dead}`;
    return { conversation: [], ...outcome, status: 'fail', message };
  }

  async #attempt(rule: Rule): Promise<Outcome> {
    const transcript = new Transcript();
    return bounded(this.#timeout, async (signal) => {
      const kit = new Kit(this.#target, this.#survey, this.#scratch, transcript, signal);
      try {
        await rule.run(kit);
        return { status: 'pass' };
      } catch (error) {
        return { ...failure(error), conversation: transcript.lines };
      } finally {
        kit.close();
      }
    });
  }

  /** Null if a new client can still ask for an export; else what came instead. */
  async #dead(): Promise<string | null> {
    return bounded(this.#timeout, async (signal) => {
      const kit = new Kit(this.#target, this.#survey, 0, new Transcript(), signal);
      try {
        if (this.#survey.unusable !== null) {
          await kit.open();
          return null;
        }
        const { final } = await (await kit.greeted()).info(NbdOption.Go);
        return final.type === OptionReply.Ack ? null : 'GO is refused';
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      } finally {
        kit.close();
      }
    });
  }
}

type Outcome = Pick<Result, 'message' | 'conversation'> & { readonly status: Status };

/** A rule's own words; anything else that goes wrong is a mistake of the kit and is thrown on. */
function failure(error: unknown): Outcome {
  if (error instanceof NotApplicable) return { status: 'not-applicable', message: error.message };
  if (error instanceof Violation || error instanceof Unreachable) {
    return { status: 'fail', message: error.message };
  }
  throw error;
}

async function bounded<T>(milliseconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), milliseconds);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}
