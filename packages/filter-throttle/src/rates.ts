import { fail, sizeText } from '@interposer/core';

/** Names of the limits. Those without a direction are shared by both; where several apply, all of them hold. */
export const RATE_NAMES = ['iops', 'read-iops', 'write-iops', 'bps', 'read-bps', 'write-bps'] as const;
export type RateName = (typeof RATE_NAMES)[number];

/** Units a second for each limit, 0 for none, and the size of the buckets in seconds, as the user wrote it. */
export type Rates = Readonly<Record<RateName, number>> & { readonly burst: string };

/** A tenth of a second, as in QEMU: more than a timer of the operating system is ever late. */
export const DEFAULT_BURST: string = '0.1';
const LONGEST_BURST = 3600;

/** What the parser makes of the words. */
export type RateArgs = Readonly<Partial<Record<RateName, number>>> & { readonly burst?: string };

/** No limit at all. */
export const NO_RATES: Rates = {
  iops: 0,
  'read-iops': 0,
  'write-iops': 0,
  bps: 0,
  'read-bps': 0,
  'write-bps': 0,
  burst: DEFAULT_BURST,
};

/** Rates of which some are given anew. EINVAL for a burst that is no number of seconds. */
export function withGiven(rates: Rates, given: RateArgs): Rates {
  const { burst = rates.burst } = given;
  if (!/^\d+(\.\d+)?$/.test(burst) || Number(burst) > LONGEST_BURST) {
    throw fail(
      'EINVAL',
      `filter throttle: burst: "${burst}" is no number of seconds from 0 to ${String(LONGEST_BURST)}, such as 2 or 0.5`,
    );
  }
  return { ...rates, ...given, burst };
}

/** The words that give these rates; what is as it is by default is left out. */
export function ratesText(rates: Rates): string {
  const words = RATE_NAMES.filter((name) => rates[name] > 0).map((name) => wordOf(rates, name));
  if (rates.burst !== DEFAULT_BURST) words.push(`burst=${rates.burst}`);
  return words.join(' ');
}

/** Every setting on a line of its own. */
export function ratesList(rates: Rates): string {
  return [...RATE_NAMES.map((name) => wordOf(rates, name)), `burst=${rates.burst}`].join('\n');
}

function wordOf(rates: Rates, name: RateName): string {
  return `${name}=${name.endsWith('bps') ? sizeText(rates[name]) : String(rates[name])}`;
}
