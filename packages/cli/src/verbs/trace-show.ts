import { resolve } from 'node:path';
import { fail } from '@interposer/core';
import { readTrace, type Trace, type TraceRecord } from '@interposer/filter-trace';
import type { Command, Verb } from '../verb.ts';
import { TraceSummary } from './trace-summary.ts';
import { headerJson, HEADINGS, recordJson, recordLine } from './trace-text.ts';

/** Characters that are gathered before they are written: a write for each line takes most of the time. */
const BATCH = 64 * 1024;

export const traceShow: Verb = {
  name: 'trace show',
  operands: 'FILE',
  count: [1, 1],
  summary: 'Show what the filter trace recorded',
  about:
    'One line for each request, in the order in which they ended: seconds from the start of the trace to its arrival, which ' +
    'request it was, operation, first sector and length in sectors, microseconds until it ended, result, and how many ' +
    'requests were inside the device when it came. With --json a JSON object a line, times in nanoseconds. Needs no daemon; ' +
    'a trace that is being written, or was cut off, is shown up to its last whole record.',
  options: ['summary', 'from', 'count'],
  examples: [
    { command: 'interposer trace show /tmp/disk.trace', about: 'Every request' },
    { command: 'interposer trace show /tmp/disk.trace --from 1000 --count 20', about: 'Some of them' },
    { command: 'interposer trace show /tmp/disk.trace --summary', about: 'Counts, sizes and latencies' },
  ],
  run: async (command) => {
    const { around, operands, options } = command;
    const from = numberOption(command, 'from') ?? 0;
    const count = numberOption(command, 'count') ?? Infinity;
    const trace = await readTrace(resolve(around.cwd, operands[0]!));
    const records = select(trace, from, count);
    await (options.has('summary') ? summarize(command, trace, records) : list(command, trace, records));
    if (trace.partialBytes > 0) around.stderr.write(`interposer: ${operands[0]!} ends within a record\n`);
    return undefined;
  },
};

function numberOption({ options }: Command, name: string): number | undefined {
  const text = options.get(name);
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw fail('EINVAL', `--${name} ${text}: not a whole decimal number`);
  return Number(text);
}

/** So many records, from the request of a number on. */
async function* select(trace: Trace, from: number, count: number): AsyncGenerator<TraceRecord> {
  let left = count;
  // What was dropped has no number: it belongs to what stands before it.
  let isReached = from <= 1;
  for await (const record of trace.records()) {
    if (left === 0) return;
    if (record.kind === 'bio') isReached = record.number >= from;
    if (!isReached) continue;
    left--;
    yield record;
  }
}

async function list(command: Command, trace: Trace, records: AsyncIterable<TraceRecord>): Promise<void> {
  const asJson = command.options.has('json');
  let text = asJson ? headerJson(trace.header) : HEADINGS;
  try {
    for await (const record of records) {
      text += asJson ? recordJson(record) : recordLine(record);
      if (text.length < BATCH) continue;
      command.print(text);
      text = '';
    }
  } finally {
    // Of a damaged trace too what there is.
    command.print(text);
  }
}

async function summarize(command: Command, trace: Trace, records: AsyncIterable<TraceRecord>): Promise<void> {
  const summary = new TraceSummary(trace.header);
  for await (const record of records) summary.add(record);
  command.show(summary.toJson(), () => summary.toText());
}
