import type { CrashState, KeptWrite } from './crash-state.ts';
import type { LoggedWrite } from './log-write.ts';

/** So many writes or promises of a kind are named; of the rest their number is told. */
const MOST = 10;

const NOTHING = 'nothing';

const KINDS = { write: 'write', fua: 'write with FUA', discard: 'discard' } as const;

/** What was promised, what of the epoch is on the disk and what is lost, a line of text each, for a person. */
export function describeState(state: CrashState): string {
  const { promises, kept, lost } = state;
  return [
    `promised     ${last(promises.map((text) => JSON.stringify(text)))}`,
    `on the disk  ${first(kept.map(keptText))}`,
    `lost         ${first(lost.map(writeText))}`,
  ].join('\n');
}

function keptText(write: KeptWrite): string {
  const { torn } = write;
  if (torn === undefined) return writeText(write);
  const runs = torn.map(({ sector, count }) => `${String(sector)}+${String(count)}`);
  return `${writeText(write)}, torn: only ${runs.join(' and ')}`;
}

function writeText({ entry, sector, count, kind }: LoggedWrite): string {
  return `entry ${String(entry)}: ${KINDS[kind]} of sectors ${String(sector)}+${String(count)}`;
}

function first(texts: readonly string[]): string {
  if (texts.length === 0) return NOTHING;
  const named = texts.slice(0, MOST).join('; ');
  return texts.length > MOST ? `${named}; and ${String(texts.length - MOST)} more` : named;
}

/** The newest promise says most. */
function last(texts: readonly string[]): string {
  if (texts.length === 0) return NOTHING;
  const named = texts.slice(-MOST).join(', ');
  return texts.length > MOST ? `${String(texts.length - MOST)} older ones, ${named}` : named;
}
