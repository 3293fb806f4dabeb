import { Refusal } from './errors.ts';
import { type Kind, KINDS } from './kinds.ts';
import { checkName, checkScope } from './names.ts';
import { checkKind, type Options } from './options.ts';

/** Puts a question to the user; the answer without the blanks around it. */
export type Ask = (question: string) => Promise<string>;

/** The options with what is needed filled in. */
export interface Answers extends Options {
  readonly kind: Kind;
  readonly name: string;
}

/** Asks for what the command line does not say. Without `ask`, a Refusal where there is no default. */
export async function completeOptions(options: Options, ask: Ask | undefined): Promise<Answers> {
  if (ask === undefined) {
    const { kind, name } = options;
    if (kind === undefined) throw new Refusal(`which kind? Name one of ${KINDS.join(', ')}, then a name`);
    if (name === undefined) throw new Refusal(`the ${kind} needs a name, e.g. ${kind} my-${kind}`);
    return { ...options, kind, name };
  }
  const kind = options.kind ?? (await askKind(ask));
  const name =
    options.name ?? (await askUntilValid(ask, `Name of the ${kind}: `, (one) => checkName(one, kind)));
  if (options.yes) return { ...options, kind, name };
  const scope = options.scope ?? optional(await askUntilValid(ask, 'npm scope (none): ', checkOptionalScope));
  const author = options.author ?? optional(await ask('Author (contributors): '));
  return { ...options, kind, name, scope, author };
}

async function askKind(ask: Ask): Promise<Kind> {
  const kind = await askUntilValid(ask, `Kind of plugin (${KINDS.join(', ')}): `, checkKind);
  checkKind(kind);
  return kind;
}

function checkOptionalScope(scope: string): void {
  if (scope !== '') checkScope(scope);
}

/** Puts the question again, with the reason in front, until the answer is one that can be taken. */
async function askUntilValid(ask: Ask, question: string, check: (answer: string) => void): Promise<string> {
  for (let reason = ''; ;) {
    const answer = await ask(`${reason}${question}`);
    try {
      check(answer);
      return answer;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      reason = `${error.message}\n`;
    }
  }
}

function optional(answer: string): string | undefined {
  return answer === '' ? undefined : answer;
}
