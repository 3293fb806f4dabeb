import type { Rule } from '../rule.ts';
import { allocationRules } from './allocation.ts';
import { blockSizeRules } from './block-sizes.ts';
import { contextRules } from './contexts.ts';
import { dfRules } from './df.ts';
import { extendedStatusRules } from './extended-status.ts';
import { extendedRules } from './extended.ts';
import { flushCacheRules } from './flush-cache.ts';
import { goRules } from './go.ts';
import { greetingRules } from './greeting.ts';
import { infoRules } from './info.ts';
import { optionRules } from './options.ts';
import { readRules } from './read.ts';
import { selectContextRules } from './select-contexts.ts';
import { sharingRules } from './sharing.ts';
import { statusRules } from './status.ts';
import { structuredErrorRules } from './structured-errors.ts';
import { structuredRules } from './structured.ts';
import { tlsInsideRules } from './tls-inside.ts';
import { tlsRules } from './tls.ts';
import { transmissionRules } from './transmission.ts';
import { trimRules } from './trim.ts';
import { writeRules } from './write.ts';
import { zeroesRules } from './zeroes.ts';

/** All rules, in the order in which they are run. */
export const rules: readonly Rule[] = [
  ...greetingRules,
  ...optionRules,
  ...infoRules,
  ...goRules,
  ...tlsRules,
  ...tlsInsideRules,
  ...blockSizeRules,
  ...transmissionRules,
  ...flushCacheRules,
  ...readRules,
  ...structuredRules,
  ...structuredErrorRules,
  ...dfRules,
  ...contextRules,
  ...selectContextRules,
  ...statusRules,
  ...allocationRules,
  ...extendedRules,
  ...extendedStatusRules,
  ...writeRules,
  ...sharingRules,
  ...zeroesRules,
  ...trimRules,
];
