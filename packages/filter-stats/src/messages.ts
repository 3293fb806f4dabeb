import { fail } from '@interposer/core';
import { heatText } from './heat-text.ts';
import { reportText } from './report-text.ts';
import { statisticsJson } from './statistics-json.ts';
import type { Statistics } from './statistics.ts';

/** What the filter answers to, each with one word. */
const MESSAGES: Readonly<Record<string, (statistics: Statistics) => string>> = {
  report: reportText,
  json: statisticsJson,
  heat: heatText,
  clear(statistics) {
    statistics.clear();
    return '';
  },
};

/** EINVAL for anything but one of the words. */
export function answerMessage(statistics: Statistics, words: readonly string[]): string {
  const [word = '', ...more] = words;
  if (more.length > 0 || !Object.hasOwn(MESSAGES, word)) {
    const known = Object.keys(MESSAGES).join(', ');
    throw fail('EINVAL', `filter stats: "${words.join(' ')}" is no message; messages: ${known}`);
  }
  return MESSAGES[word]!(statistics);
}
