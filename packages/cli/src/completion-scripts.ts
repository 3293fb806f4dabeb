import { optionsOf } from './help.ts';
import type { Verb } from './verb.ts';
import { VERBS } from './verbs/index.ts';

/** Names of mapped devices, if a daemon runs: completing must not start one. */
const DEVICES = "interposer ls --no-start 2>/dev/null | sed -n 's/\\t.*//p'";

function longOptions(verb: Verb): string[] {
  return optionsOf(verb).map(({ name }) => `--${name}`);
}

/** Every name a verb goes by. */
function namesOf({ name, aliases = [] }: Verb): string[] {
  return [name, ...aliases];
}

/** Every name with its verb, so that the first name that fits is the right one: `attach ls` before `attach`. */
function longestFirst(): (readonly [string, Verb])[] {
  const named = VERBS.flatMap((verb) => namesOf(verb).map((name) => [name, verb] as const));
  return named.sort(([a], [b]) => b.length - a.length);
}

/** What was typed of a verb, and the words that may come next, e.g. `filter` and `attach detach ...`. */
function nextWords(): Map<string, string[]> {
  const next = new Map<string, string[]>();
  for (const name of VERBS.flatMap(namesOf)) {
    const words = name.split(' ');
    for (const [at, word] of words.entries()) {
      const typed = words.slice(0, at).join(' ');
      next.set(typed, [...new Set([...(next.get(typed) ?? []), word])]);
    }
  }
  next.get('')!.push('help');
  return next;
}

/** Whether what was typed is a verb in itself, such as `attach` besides `attach ls`: operands may follow it, too. */
function isVerb(typed: string): boolean {
  return VERBS.flatMap(namesOf).includes(typed);
}

/** The script for bash. */
export function bashCompletion(): string {
  const words = [...nextWords()].map(
    ([typed, next]) => `    '${typed}') words='${next.join(' ')}'${isVerb(typed) ? ' operands=1' : ''} ;;\n`,
  );
  const options = longestFirst().map(
    ([name, verb]) => `      '${name} '*) words='${longOptions(verb).join(' ')}' ;;\n`,
  );
  return `# bash completion of interposer
_interposer() {
  local IFS=$' \\t\\n' cur=\${COMP_WORDS[COMP_CWORD]} words= operands=
  local typed="\${COMP_WORDS[*]:1:COMP_CWORD-1}"
  COMPREPLY=()
  case $typed in
${words.join('')}  esac
  if [ "\${cur#-}" != "$cur" ] && [ -z "$words" -o -n "$operands" ]; then
    case "$typed " in
${options.join('')}    esac
  fi
  if [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
  if [ -z "$words" ] || [ -n "$operands" ]; then
    COMPREPLY+=($(compgen -W "$(${DEVICES})" -- "$cur") $(compgen -f -- "$cur"))
  fi
}
complete -o filenames -F _interposer interposer
`;
}

/** The script for zsh. */
export function zshCompletion(): string {
  const words = [...nextWords()].map(
    ([typed, next]) => `    '${typed}') compadd -- ${next.join(' ')}${isVerb(typed) ? '' : '; return'} ;;\n`,
  );
  const options = longestFirst().map(
    ([name, verb]) => `      '${name} '*) compadd -- ${longOptions(verb).join(' ')} ;;\n`,
  );
  return `#compdef interposer
_interposer() {
  local typed="\${(j: :)words[2,CURRENT-1]}"
  case $typed in
${words.join('')}  esac
  if [[ $words[CURRENT] == -* ]]; then
    case "$typed " in
${options.join('')}    esac
  else
    compadd -- \${(f)"$(${DEVICES})"}
    _files
  fi
}
if [ "$funcstack[1]" = _interposer ]; then _interposer "$@"; else compdef _interposer interposer; fi
`;
}

/** The script for fish. */
export function fishCompletion(): string {
  const lines = ['# fish completion of interposer', 'complete -c interposer -f'];
  for (const [typed, next] of nextWords()) {
    const isHere = fishTyped(`${typed === '' ? '' : ` ${typed}`}$`);
    for (const word of next) {
      const about = VERBS.find(({ name }) => name === `${typed} ${word}`.trim())?.summary;
      const described = about === undefined ? '' : ` -d ${quoted(about)}`;
      lines.push(`complete -c interposer -n ${quoted(isHere)} -a ${word}${described}`);
    }
  }
  for (const verb of VERBS) {
    const seen = fishTyped(` (${namesOf(verb).join('|')})( |$)`);
    for (const { name, value, about } of optionsOf(verb)) {
      lines.push(
        `complete -c interposer -n ${quoted(seen)} -l ${name}${value === undefined ? '' : ' -r'} -d ${quoted(about)}`,
      );
    }
  }
  lines.push(
    `complete -c interposer -n 'test (count (commandline -opc)) -ge 2' -a ${quoted(`(${DEVICES})`)}`,
    `complete -c interposer -n 'test (count (commandline -opc)) -ge 2' -F`,
  );
  return `${lines.join('\n')}\n`;
}

/** Whether what stands behind the program matches. */
function fishTyped(pattern: string): string {
  return `string match -qr -- '^[^ ]+${pattern}' (commandline -opc | string join ' ')`;
}

/** A word in single quotes, as fish reads them. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
