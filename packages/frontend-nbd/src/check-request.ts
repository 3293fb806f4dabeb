import {
  CommandFlag,
  DEFAULT_MAX_PAYLOAD,
  NbdCommand,
  NbdError,
  TransmissionFlag,
} from '@interposer/nbd-protocol';
import type { Dialect } from './dialect.ts';
import type { Export } from './export.ts';
import type { Request } from './request.ts';

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
  rules[NbdCommand.Read] = { ...plain, flags: CommandFlag.Df, payload: true };
  rules[NbdCommand.Write] = { ...plain, payload: true, writes: true, rangeError: NbdError.NoSpc };
  rules[NbdCommand.Disconnect] = undefined;
  rules[NbdCommand.Flush] = { ...plain, ranged: false, needs: TransmissionFlag.SendFlush };
  rules[NbdCommand.Trim] = { ...plain, writes: true, needs: TransmissionFlag.SendTrim };
  rules[NbdCommand.Cache] = { ...plain, needs: TransmissionFlag.SendCache };
  rules[NbdCommand.WriteZeroes] = {
    ...plain,
    flags: CommandFlag.NoHole | CommandFlag.FastZero,
    needs: TransmissionFlag.SendWriteZeroes,
    writes: true,
    rangeError: NbdError.NoSpc,
  };
  rules[NbdCommand.BlockStatus] = { ...plain, flags: CommandFlag.ReqOne };
  return rules;
}

/** Whether a request may go to the device: the error it is to be answered with otherwise. Facts: doc/proto.md, "Commands". */
export function checkRequest(exported: Export, dialect: Dialect, request: Request): NbdError {
  const { command, flags, offset, length } = request;
  const rule = RULES[command];
  if (rule === undefined) return NbdError.Inval;
  if (flags !== 0 && (flags & ~allowedFlags(rule, exported, dialect)) !== 0) return NbdError.Inval;
  if (rule.writes && (exported.flags & TransmissionFlag.ReadOnly) !== 0) return NbdError.Perm;
  if ((exported.flags & rule.needs) !== rule.needs) return NbdError.Inval;
  if (!rule.ranged) return NbdError.None;
  // Not offset + length > size: the sum may be beyond what is exact.
  if (length > exported.size || offset > exported.size - length) return rule.rangeError;
  if (rule.payload && length > DEFAULT_MAX_PAYLOAD) return NbdError.Inval;
  if (exported.strict !== null && breaksBlocks(exported.strict, rule, offset, length)) return NbdError.Inval;
  if ((flags & CommandFlag.FastZero) !== 0 && !exported.fastZeroes) return NbdError.NotSup;
  return NbdError.None;
}

/** Where FUA is offered it is accepted on every command; DF is offered where replies are chunks. */
function allowedFlags(rule: CommandRule, exported: Export, dialect: Dialect): number {
  const fua = (exported.flags & TransmissionFlag.SendFua) === 0 ? 0 : CommandFlag.Fua;
  const own = dialect.chunked ? rule.flags : rule.flags & ~CommandFlag.Df;
  return own | fua;
}

function breaksBlocks(
  { minimum, maximum }: { readonly minimum: number; readonly maximum: number },
  rule: CommandRule,
  offset: number,
  length: number,
): boolean {
  return offset % minimum !== 0 || length % minimum !== 0 || (rule.payload && length > maximum);
}
