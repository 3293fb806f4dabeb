import { Composer, type CST, type Document, Lexer, Parser } from 'yaml';
import type { Problems } from './problems.ts';
import type { SourceText } from './source-text.ts';

/** The library composes nested nodes by recursion; no sensible document comes near this. */
const MAX_DEPTH = 100;

/** A document in YAML 1.2; undefined if it is nested too deeply to be looked at. What is wrong goes to `problems`. */
export function readYaml(source: SourceText, problems: Problems): Document.Parsed | undefined {
  const tokens = readTokens(source, problems);
  if (tokens === undefined) return undefined;
  const composer = new Composer({ version: '1.2', uniqueKeys: true, strict: true, logLevel: 'silent' });
  const [document, second] = composer.compose(tokens, true, source.text.length) as Iterable<Document.Parsed>;
  const errors = [...(document?.errors ?? []), ...(document?.warnings ?? [])];
  // From there on the library does not know where it is.
  const lost = errors.findIndex(({ code }) => code === 'UNEXPECTED_TOKEN');
  for (const { code, pos, message } of lost < 0 ? errors : errors.slice(0, lost + 1)) {
    const isVariable = code === 'UNEXPECTED_TOKEN' && source.text.startsWith('${', pos[0] - 1);
    const text = isVariable ? 'inside { } or [ ] a ${NAME} must be in quotes' : withoutSource(code, message);
    problems.add(pos[0], `YAML: ${text}`);
  }
  if (second !== undefined)
    problems.add(second.range[0], 'YAML: one document is allowed, here a second one begins');
  return document;
}

function readTokens({ text }: SourceText, problems: Problems): CST.Token[] | undefined {
  const tokens: CST.Token[] = [];
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > MAX_DEPTH) {
      problems.add(parser.offset, `YAML: nested more than ${String(MAX_DEPTH)} levels deep`);
      return undefined;
    }
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

/** The library quotes what it did not expect behind a colon; that may be a secret. */
function withoutSource(code: string, message: string): string {
  const text = code === 'UNEXPECTED_TOKEN' ? message.replace(/:.*$/s, '') : message;
  return text === 'Map keys must be unique' ? 'this key is there already; each key may stand once' : text;
}
