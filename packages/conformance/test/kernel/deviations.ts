import { readFileSync } from 'node:fs';

/** What differs on purpose: a text of ours, or none where there is nothing to be compared. */
export interface Deviation {
  readonly kind: 'refused' | 'taken' | 'left out' | 'shown';
  readonly text: string;
}

const PAGE = new URL('../../../../docs/deviations.md', import.meta.url);
const SECTION = /^### `([^`]+)`\n([^]*?)(?=^##|$(?![^]))/gm;
const ITEM = /^- (refused as|shown as|taken|left out)(?: `([^`]+)`)?: ((?:`[^`]+`(?:, )?)+)\./gm;

/** The recordings of which docs/deviations.md has a list. */
export function deviatingRecordings(): string[] {
  return [...sections().keys()];
}

/** What the page lists of a recording, by the note of the step or the name of the scenario; nothing where it has no list. */
export function deviationsOf(recording: string): ReadonlyMap<string, Deviation> {
  const section = sections().get(recording) ?? '';
  const found = new Map<string, Deviation>();
  for (const [, words, text = '', names] of section.matchAll(ITEM)) {
    const kind = words!.replace(' as', '') as Deviation['kind'];
    for (const [, name] of names!.matchAll(/`([^`]+)`/g)) {
      if (found.has(name!)) throw new Error(`docs/deviations.md has ${name!} twice in ${recording}`);
      found.set(name!, { kind, text });
    }
  }
  const items = section.match(/^- /gm)?.length ?? 0;
  if ([...section.matchAll(ITEM)].length !== items)
    throw new Error(`docs/deviations.md: a line of ${recording} is not understood`);
  return found;
}

/** Names of a kind. */
export function namesOf(recording: string, kind: Deviation['kind']): string[] {
  return [...deviationsOf(recording)].filter(([, one]) => one.kind === kind).map(([name]) => name);
}

/** By the name of the recording; lines that go on are one. */
function sections(): ReadonlyMap<string, string> {
  const page = readFileSync(PAGE, 'utf8');
  const found = [...page.matchAll(SECTION)].map(
    ([, name, body]) => [name!, body!.replaceAll(/\n {2}/g, ' ')] as const,
  );
  return new Map(found);
}
