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

/** First words of the verbs, and the second words behind those that have two. */
function firstWords(): string[] {
  return [...new Set(VERBS.flatMap(namesOf).map((name) => name.split(' ')[0]!))];
}

function secondWords(first: string): string[] {
  return VERBS.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []));
}

function groups(): string[] {
  return firstWords().filter((word) => secondWords(word).length > 0);
}

/** The script for bash. */
export function bashCompletion(): string {
  const options = VERBS.flatMap((verb) =>
    namesOf(verb).map((name) => `    '${name}') words='${longOptions(verb).join(' ')}' ;;\n`),
  );
  const seconds = groups().map((word) => `    ${word}) words='${secondWords(word).join(' ')}' ;;\n`);
  return `# bash completion of interposer
_interposer() {
  local cur=\${COMP_WORDS[COMP_CWORD]} first=\${COMP_WORDS[1]} second=\${COMP_WORDS[2]} words=
  local verb=$first
  case $first in ${groups().join('|')}) verb="$first $second" ;; esac
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${firstWords().join(' ')} help' -- "$cur"))
    return
  fi
  if [ "$COMP_CWORD" -eq 2 ]; then
    case $first in
${seconds.join('')}    esac
  fi
  if [ -z "$words" ] && [ "\${cur#-}" != "$cur" ]; then
    case $verb in
${options.join('')}    esac
  fi
  if [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$(${DEVICES})" -- "$cur") $(compgen -f -- "$cur"))
  fi
}
complete -o filenames -F _interposer interposer
`;
}

/** The script for zsh. */
export function zshCompletion(): string {
  const options = VERBS.flatMap((verb) =>
    namesOf(verb).map((name) => `      '${name}') compadd -- ${longOptions(verb).join(' ')} ;;\n`),
  );
  const seconds = groups().map(
    (word) => `      ${word}) compadd -- ${secondWords(word).join(' ')}; return ;;\n`,
  );
  return `#compdef interposer
_interposer() {
  local first=$words[2] verb=$words[2]
  case $first in ${groups().join('|')}) verb="$words[2] $words[3]" ;; esac
  if (( CURRENT == 2 )); then
    compadd -- ${firstWords().join(' ')} help
    return
  fi
  if (( CURRENT == 3 )); then
    case $first in
${seconds.join('')}    esac
  fi
  if [[ $words[CURRENT] == -* ]]; then
    case $verb in
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
  for (const verb of VERBS) {
    const [first = '', second] = verb.name.split(' ');
    const isFirst = `test (count (commandline -opc)) -eq 1`;
    if (second === undefined)
      lines.push(`complete -c interposer -n '${isFirst}' -a ${first} -d ${quoted(verb.summary)}`);
    else {
      lines.push(`complete -c interposer -n '${isFirst}' -a ${first}`);
      const isSecond = `__fish_seen_subcommand_from ${first}; and test (count (commandline -opc)) -eq 2`;
      lines.push(`complete -c interposer -n '${isSecond}' -a ${second} -d ${quoted(verb.summary)}`);
    }
    const seen = `string match -q -- '${[first, second].filter(Boolean).join(' ')}*' (string join ' ' (commandline -opc)[2..-1])`;
    for (const { name, value, about } of optionsOf(verb)) {
      lines.push(
        `complete -c interposer -n ${quoted(seen)} -l ${name}${value === undefined ? '' : ' -r'} -d ${quoted(about)}`,
      );
    }
  }
  lines.push(
    `complete -c interposer -n 'test (count (commandline -opc)) -ge 2' -a ${quoted(`(${DEVICES})`)}`,
  );
  lines.push(`complete -c interposer -n 'test (count (commandline -opc)) -ge 2' -F`);
  return `${[...new Set(lines)].join('\n')}\n`;
}

/** A word in single quotes, as fish reads them. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
