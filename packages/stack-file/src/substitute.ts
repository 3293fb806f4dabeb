/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A text with its variables replaced, and what could not be. */
export interface Substituted {
  readonly text: string;
  readonly problems: readonly {
    /** Which dollar sign of the text it is about, counted from 0. */
    readonly dollar: number;
    readonly message: string;
  }[];
}

const DOLLAR = /\$(?:\$|\{([A-Za-z_]\w*)(?:(:-)([^}]*))?\})?/g;

/**
 * Replaces `${NAME}`, `${NAME:-default}` (the default also stands in for an empty value) and `$$` (a dollar sign), as in the
 * files of docker compose. A name that is not defined, and any other use of a dollar sign, is a problem.
 */
export function substitute(text: string, environment: Environment): Substituted {
  const problems: { dollar: number; message: string }[] = [];
  let dollar = 0;
  const replaced = text.replace(DOLLAR, (match, name?: string, hasDefault?: string, otherwise?: string) => {
    const at = dollar;
    dollar += match.split('$').length - 1;
    if (match === '$$') return '$';
    if (name === undefined) {
      problems.push({
        dollar: at,
        message: 'a lone $: write ${NAME}, ${NAME:-default}, or $$ for a dollar sign',
      });
      return match;
    }
    const value = environment[name];
    if (hasDefault !== undefined) return value === undefined || value === '' ? (otherwise ?? '') : value;
    if (value !== undefined) return value;
    problems.push({
      dollar: at,
      message: `the environment variable ${name} is not defined; \${${name}:-default} gives it a default`,
    });
    return match;
  });
  return { text: replaced, problems };
}
