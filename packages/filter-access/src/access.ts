import {
  type Bio,
  BioOp,
  codeOfErrno,
  defineFilter,
  EndResult,
  type Extent,
  type ExtentSource,
  fail,
  type Filter,
  type FilterContext,
  type FilterType,
  OP_NAMES,
  opSet,
  type Port,
  PreResult,
  Status,
} from '@interposer/core';
import { Audited } from './audited.ts';
import { AuditLog } from './audit-log.ts';
import { hideParts, noteAllocated } from './extents.ts';
import { openLogFile, type OpenLogFile } from './log-file.ts';
import { Policy } from './policy.ts';
import { MODES, type Mode, type ModeSet, modeSet, type Rule } from './rule.ts';
import { type AccessArgs, parseWords, withoutRules, withRules, wordsText } from './words.ts';
import { WrittenSectors } from './written.ts';

const DENY = modeSet('deny');
const RO = modeSet('ro');
const WORM = modeSet('worm');
const AUDITS = modeSet('audit', 'audit-all');
const FOR_READS = modeSet('deny', 'audit-all');
const FOR_CHANGES = modeSet(...MODES);

/** The modes that refuse. */
type Refusing = 'deny' | 'ro' | 'worm';

/** What a filter is made of beside its place. */
interface Parts {
  readonly args: AccessArgs;
  readonly written: WrittenSectors;
  readonly log: AuditLog | null;
}

class AccessFilter implements Filter {
  readonly #port: Port;
  readonly #args: AccessArgs;
  readonly #written: WrittenSectors;
  readonly #log: AuditLog | null;
  readonly #audited: Audited = new Audited();
  /** Replaced as a whole, so that each bio meets either the old rules or the new. */
  #policy: Policy;
  readonly #refusals = { deny: 0, ro: 0, worm: 0 };
  #audits = 0;

  constructor({ port }: FilterContext, { args, written, log }: Parts) {
    this.#port = port;
    this.#args = args;
    this.#written = written;
    this.#log = log;
    this.#policy = new Policy(args.rules);
  }

  pre(bio: Bio): PreResult {
    const { op, sector } = bio;
    const end = sector + bio.count;
    const modes = this.#policy.modesIn(sector, end) & (op === BioOp.Read ? FOR_READS : FOR_CHANGES);
    if (modes === 0) return PreResult.Pass;
    const refusing = this.#refusing(op, sector, end, modes);
    if (refusing !== null) return this.#refuse(bio, refusing);
    // Noted now and not when it has succeeded: of two writes under way one is refused, and a failed one may have written.
    if ((modes & WORM) !== 0) this.#policy.noteWritten(sector, end, this.#written);
    if ((modes & AUDITS) === 0) return PreResult.Pass;
    bio.cookie = this.#audited.put(this.#auditing(op, sector, end));
    return PreResult.Watch;
  }

  post(bio: Bio, cookie: number): EndResult {
    this.#audits++;
    this.#note(bio, bio.status === Status.Ok ? 'ok' : codeOfErrno(bio.status), this.#audited.take(cookie));
    return EndResult.Done;
  }

  /** What may not be read shows nothing of its allocation either. */
  async extents(below: ExtentSource, sector: number, count: number): Promise<Extent[]> {
    const extents = await below.extents(sector, count);
    return hideParts(extents, this.#policy.partsIn(sector, sector + count, 'deny'));
  }

  table(): string {
    return wordsText({ ...this.#args, rules: this.#policy.rules });
  }

  /** `refused=<n> deny=<n> ro=<n> worm=<n> audited=<n>`, with a log `logged=<lines> lost=<lines>` and why it fails. */
  status(): string {
    const { deny, ro, worm } = this.#refusals;
    const counts = { refused: deny + ro + worm, deny, ro, worm, audited: this.#audits };
    const log = this.#log;
    const lines = log === null ? {} : { logged: log.written, lost: log.lost };
    const words = Object.entries({ ...counts, ...lines }).map(([name, value]) => `${name}=${String(value)}`);
    const failure = log?.failure?.message.replace(/\s+/g, ' ') ?? '';
    return `${words.join(' ')} ${failure}`.trimEnd();
  }

  /** `add RULE...`, `remove RULE...`, `rules` and `log`. */
  async message([verb = '', ...words]: readonly string[]): Promise<string> {
    if (verb === 'add' && words.length > 0) await this.#add(words);
    else if (verb === 'remove' && words.length > 0) this.#replace(withoutRules(this.#policy.rules, words));
    else if (verb === 'rules' && words.length === 0)
      return this.#policy.rules.map(({ text }) => text).join('\n');
    else if (verb === 'log' && words.length === 0) await this.#flushLog();
    else {
      const given = [verb, ...words].join(' ');
      throw fail(
        'EINVAL',
        `filter access: unknown message "${given}"; messages: add RULE..., remove RULE..., rules, log`,
      );
    }
    return '';
  }

  detach(): Promise<void> | undefined {
    return this.#log?.close();
  }

  /** The mode that refuses a bio, the strictest first. */
  #refusing(op: BioOp, sector: number, end: number, modes: ModeSet): Refusing | null {
    if ((modes & DENY) !== 0) return 'deny';
    if ((modes & RO) !== 0) return 'ro';
    if ((modes & WORM) === 0) return null;
    // A discard would take back what was written, or race with the one write.
    return op === BioOp.Discard || this.#policy.touchesWritten(sector, end, this.#written) ? 'worm' : null;
  }

  #refuse(bio: Bio, mode: Refusing): PreResult {
    this.#refusals[mode]++;
    this.#note(bio, 'refused', this.#ruleFor(bio.sector, bio.sector + bio.count, mode));
    bio.result = Status.Perm;
    return PreResult.Complete;
  }

  #auditing(op: BioOp, sector: number, end: number): Rule {
    const rule = op === BioOp.Read ? undefined : this.#policy.ruleIn(sector, end, 'audit');
    return rule ?? this.#ruleFor(sector, end, 'audit-all');
  }

  #ruleFor(sector: number, end: number, mode: Mode): Rule {
    return this.#policy.ruleIn(sector, end, mode)!;
  }

  #note({ op, sector, count }: Bio, outcome: string, rule: Rule): void {
    const { name: device } = this.#port.device;
    this.#log?.put({ device, op: OP_NAMES[op]!, sector, count, outcome, rule: rule.text });
  }

  async #add(words: readonly string[]): Promise<void> {
    const { sectors } = this.#port.limits;
    const place = { sectors, logged: this.#log !== null };
    // Looked at before anything is noted, and again with the rules that are there when that is done.
    const added = withRules(this.#policy.rules, words, place).slice(this.#policy.rules.length);
    if (this.#args.allocated) await noteAllocated(this.#port, added, this.#written);
    this.#replace(withRules(this.#policy.rules, words, place));
  }

  #replace(rules: readonly Rule[]): void {
    this.#policy = new Policy(rules);
  }

  async #flushLog(): Promise<void> {
    if (this.#log === null)
      throw fail('EINVAL', 'filter access: there is no log: attach the filter with log=FILE');
    await this.#log.flush();
  }
}

/** The type over a way to open files; for tests of what no file system does on demand. */
export function accessOver(open: OpenLogFile): FilterType {
  return defineFilter({
    name: 'access',
    version: [1, 0, 0],
    altitude: '360000',
    ops: opSet(BioOp.Read, BioOp.Write, BioOp.Discard, BioOp.WriteZeroes),
    passes: opSet(BioOp.Flush),
    knowsIntegrity: true,
    params: [
      {
        name: 'rule',
        kind: 'rest',
        optional: true,
        about:
          'log=FILE, written=allocated, and rules: deny, ro, worm, audit or audit-all, with :FIRST+COUNT for a range',
      },
    ],
    attach: (context, { rule }) => attachAccess(open, context, rule ?? []),
  });
}

/** Refuses and logs requests by rules for ranges of sectors. Without rules everything passes. */
export const access: FilterType = accessOver(openLogFile);

async function attachAccess(
  open: OpenLogFile,
  context: FilterContext,
  words: readonly string[],
): Promise<Filter> {
  const { port, clock, log: report } = context;
  const args = parseWords(words, port.limits.sectors);
  const written = new WrittenSectors();
  if (args.allocated) await noteAllocated(port, args.rules, written);
  const { log: path } = args;
  const log = path === undefined ? null : new AuditLog({ file: await open(path), path, clock, log: report });
  return new AccessFilter(context, { args, written, log });
}
