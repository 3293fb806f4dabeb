import { Status } from '@interposer/core';
import { errnoOf } from '../errnos.ts';
import type { ChaosAction } from '../rule.ts';
import { Misdirect, Rot, Stale, Tear } from './altering.ts';
import { Answer, CutPower, GoOn } from './answers.ts';
import type { Effect, EffectContext } from './effect.ts';
import { Delay, Latency, Stop } from './holding.ts';
import { STALLED } from '../held.ts';

/** What the action of a rule does. `next` does nothing: those who look for an effect go on to the next rule. */
export function makeEffect(action: ChaosAction, context: EffectContext): Effect {
  switch (action.kind) {
    case 'error':
      return new Answer(errnoOf(action.code ?? 'EIO'));
    case 'stall':
      return new Stop(context, STALLED);
    case 'break':
      return new Stop(context, action.tag);
    case 'delay':
      return new Delay(context, action.ms);
    case 'latency':
      return new Latency(context, action);
    case 'torn':
      return new Tear(context, action);
    case 'drop':
      return new Answer(Status.Ok);
    case 'power-cut':
      return new CutPower(context, action);
    case 'misdirect':
      return new Misdirect(context, action.by ?? 'random');
    case 'rot':
      return new Rot(context, action);
    case 'stale':
      return new Stale(context);
    case 'cache':
      return new GoOn(context, true);
    case 'pass':
    case 'next':
      return new GoOn(context, false);
  }
}
