import {
  CommandFlag,
  DEFAULT_MAX_PAYLOAD,
  NbdCommand,
  NbdError,
  TransmissionFlag,
} from '@interposer/nbd-protocol';
import type { Export } from './export.ts';

/** A command as the checks see it. */
interface CommandRule {
  /** Flags that are allowed beside FUA. */
  readonly flags: number;
  /** The transmission flag without which the command is unknown. */
  readonly needs: number;
  readonly writes: boolean;
  readonly ranged: boolean;
  /** The length is that of data on the wire. */
  readonly payload: boolean;
  /** The answer to a range beyond the end. */
  readonly rangeError: NbdError;
}

const plain = { flags: 0, needs: 0, writes: false, ranged: true, payload: false, rangeError: NbdError.Inval };

const RULES: readonly (CommandRule | undefined)[] = makeRules();

function makeRules(): (CommandRule | undefined)[] {
  const rules: (CommandRule | undefined)[] = [];
  rules[NbdCommand.Read] = { ...plain, payload: true };
  rules[NbdCommand.Write] = { ...plain, payload: true, writes: true, rangeError: NbdError.NoSpc };
  rules[NbdCommand.Disconnect] = undefined;
  rules[NbdCommand.Flush] = { ...plain, ranged: false, needs: TransmissionFlag.SendFlush };
  rules[NbdCommand.Trim] = { ...plain, writes: true, needs: TransmissionFlag.SendTrim };
  rules[NbdCommand.Cache] = undefined;
  rules[NbdCommand.WriteZeroes] = {
    ...plain,
    flags: CommandFlag.NoHole,
    needs: TransmissionFlag.SendWriteZeroes,
    writes: true,
    rangeError: NbdError.NoSpc,
  };
  return rules;
}

/** Whether a request may go to the device: the error it is to be answered with otherwise. Facts: doc/proto.md, "Commands". */
export function checkRequest(
  exported: Export,
  command: number,
  flags: number,
  offset: number,
  length: number,
): NbdError {
  const rule = RULES[command];
  if (rule === undefined) return NbdError.Inval;
  if (flags !== 0) {
    // Where FUA is offered it is accepted on every command.
    const fua = (exported.flags & TransmissionFlag.SendFua) === 0 ? 0 : CommandFlag.Fua;
    if ((flags & ~(rule.flags | fua)) !== 0) return NbdError.Inval;
  }
  if (rule.writes && (exported.flags & TransmissionFlag.ReadOnly) !== 0) return NbdError.Perm;
  if ((exported.flags & rule.needs) !== rule.needs) return NbdError.Inval;
  if (!rule.ranged) return NbdError.None;
  // Not offset + length > size: the sum may be beyond what is exact.
  if (length > exported.size || offset > exported.size - length) return rule.rangeError;
  if (rule.payload && length > DEFAULT_MAX_PAYLOAD) return NbdError.Inval;
  return NbdError.None;
}
