import { describeState } from './describe-state.ts';
import type { EpochResult, Failure, SearchResult } from './search-result.ts';

/** What a search found, as lines of text for a terminal; the last one ends with a line feed. */
export function reportText(result: SearchResult): string {
  const { failures, ambiguous } = result;
  const paragraphs = [
    summary(result),
    ...result.epochs.flatMap((epoch) =>
      epoch.failure === undefined ? [] : failureText(epoch, epoch.failure),
    ),
  ];
  const broken = result.epochs.filter(({ beginsBroken }) => beginsBroken).length;
  if (broken > 0)
    paragraphs.push(
      `${plural(broken, 'epoch')} behind a failure ${broken === 1 ? 'begins' : 'begin'} with a disk that fails already: not searched.`,
    );
  if (result.ended !== 'complete') paragraphs.push(ENDS[result.ended]);
  if (result.bounded && failures.length === 0)
    paragraphs.push('Bounds left states out: not all there are were made.');
  if (ambiguous.length > 0) paragraphs.push(ambiguityText(result));
  return `${paragraphs.join('\n\n')}\n`;
}

const ENDS = {
  stopped: 'The search was ended by its bound of failures.',
  aborted: 'The search was broken off.',
} as const;

/** What an epoch is, for a person: `epoch 3, log entries 12 to 19`. */
export function epochText({ epoch, entries }: EpochResult): string {
  const range = entries === undefined ? 'at the end of the log' : `log entries ${entries.join(' to ')}`;
  return `epoch ${String(epoch)}, ${range}`;
}

/** The message of a failure and all that is known of its state. */
export function failureText(epoch: EpochResult, { state, message, file }: Failure): string {
  const [first = '', ...further] = message.split('\n');
  const lines = [`FAILED ${epochText(epoch)}: ${first}`, ...further];
  if (state.kept.length === 0)
    lines.push('Nothing of this epoch is on the disk: too much was promised, or it was bad before.');
  lines.push(...describeState(state).split('\n'), `state        ${state.id}`);
  if (file !== undefined) lines.push(`file         ${file}`);
  return lines.map((line, index) => (index === 0 ? line : `  ${line}`)).join('\n');
}

function summary({ epochs, explored, pruned, checked, failures, seconds }: SearchResult): string {
  const found = failures.length === 0 ? 'no failure' : plural(failures.length, 'failure');
  const share = explored === 0 ? 0 : Math.round((100 * pruned) / explored);
  return (
    `${found}: ${plural(epochs.length, 'epoch')}, ${plural(explored, 'state')}, ` +
    `${String(pruned)} pruned (${String(share)} %), ${String(checked)} checked in ${seconds.toFixed(1)} s`
  );
}

function ambiguityText({ ambiguous }: SearchResult): string {
  const [{ epoch, fua, write }] = ambiguous as [SearchResult['ambiguous'][number]];
  return (
    `The log does not tell the order of ${plural(ambiguous.length, 'pair')} of writes, for example of entries ` +
    `${String(fua)} and ${String(write)} in epoch ${String(epoch)}: one has FUA, and they overlap. ` +
    'They were taken in the order of the log.'
  );
}

function plural(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}
