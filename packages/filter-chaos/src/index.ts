/**
 * The `chaos` filter: programmable faults, as words and as code.
 *
 * @packageDocumentation
 */
export type { ChaosFilter, ChaosType } from './control.ts';
export { chaos, type ChaosSpec, defineChaos } from './define.ts';
export { parseRules, ruleText } from './grammar.ts';
export type {
  ChaosAction,
  ChaosFlag,
  ChaosOp,
  ChaosRequest,
  ChaosRule,
  LengthRange,
  SectorRange,
} from './rule.ts';
