import { optionForm, optionsOf, synopsis } from './help.ts';
import { COMMON_OPTIONS, OPTIONS } from './options.ts';
import type { Verb } from './verb.ts';
import { VERBS } from './verbs/index.ts';

/** The reference of the command line as Markdown: `docs/cli.md`. */
export function cliReference(): string {
  const common = OPTIONS.filter(({ name }) => COMMON_OPTIONS.includes(name));
  const parts = [
    INTRODUCTION,
    '## Options of every verb\n',
    ...common.map((option) => optionLine(optionForm(option), option.about)),
    '\n## Verbs of dmsetup\n\nNames, options, standard output and exit codes are those of dmsetup.\n',
    ...VERBS.filter((verb) => verb.dmsetup === true).map(verbSection),
    '## Verbs of its own\n',
    ...VERBS.filter((verb) => verb.dmsetup !== true).map(verbSection),
  ];
  return `${parts.join('\n').trimEnd()}\n`;
}

const INTRODUCTION = `# The command line

\`interposer VERB --help\` prints the same for one verb. This page is made from the table of verbs; a test keeps it true.

Most verbs speak to a daemon, which they start if none runs; \`serve\` works without one. Exit codes: 0, or 1 for any
failure, with the reason and its stable code on standard error:

\`\`\`text
device-mapper: reload ioctl on disk (254:0) failed: Invalid argument
interposer: EINVAL: table line 2: striped: Invalid chunk_size ...
Command failed.
\`\`\`

A device (DEV) is a mapped device by name, \`/dev/mapper/NAME\` or \`MAJOR:MINOR\`. The verbs of its own, and tables, also take an
image file, \`ram:64M\` and an NBD URI. Relative paths start where the command is called.
`;

function verbSection(verb: Verb): string {
  const own = optionsOf(verb).filter(({ name }) => !COMMON_OPTIONS.includes(name));
  const also = (verb.aliases ?? []).map((name) => `\`${name}\``).join(', ');
  return [
    `### ${verb.name}\n`,
    `\`\`\`text\n${synopsis(verb)}\n\`\`\`\n`,
    `${verb.summary}.${verb.about === undefined ? '' : ` ${escapeText(verb.about)}`}${also === '' ? '' : ` Also: ${also}.`}\n`,
    ...(own.length === 0
      ? []
      : [`${own.map((option) => optionLine(optionForm(option), option.about)).join('\n')}\n`]),
    '```sh',
    ...verb.examples.flatMap(({ command, about }) => [`# ${about}`, command]),
    '```\n',
  ].join('\n');
}

function optionLine(form: string, about: string): string {
  return `- \`${form}\`: ${escapeText(about)}`;
}

/** What Markdown would read as its own signs. */
function escapeText(text: string): string {
  return text.replace(/[*_<>]/g, '\\$&');
}
