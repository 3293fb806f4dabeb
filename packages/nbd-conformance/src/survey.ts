import {
  ALLOCATION_CONTEXT,
  type BlockSizes,
  InfoType,
  NbdOption,
  OptionReply,
  TransmissionFlag,
} from '@interposer/nbd-protocol';
import { Kit, type Target } from './kit.ts';
import { type Needs, Violation } from './rule.ts';
import { Transcript } from './transcript.ts';
import { TlsFailure, Unreachable } from './wire.ts';

/** What a server offers, found out before the rules are run. */
export interface Survey {
  /** Null: the export cannot be used; the message says why. */
  readonly unusable: string | null;
  readonly size: number;
  /** Bits of `TransmissionFlag`, with all that could be agreed on. */
  readonly flags: number;
  readonly blockSizes: BlockSizes | null;
  readonly structured: boolean;
  readonly extended: boolean;
  /** Names of contexts that the server lists. */
  readonly contexts: readonly string[];
  readonly allocation: boolean;
  /** Names of exports that the server lists; null if it refuses to. */
  readonly exports: readonly string[] | null;
  readonly tls: 'none' | 'offered' | 'required';
  /** What the rules may do with it. */
  readonly credentials: boolean;
}

const NOTHING: Survey = {
  unusable: null,
  size: 0,
  flags: 0,
  blockSizes: null,
  structured: false,
  extended: false,
  contexts: [],
  allocation: false,
  exports: null,
  tls: 'none',
  credentials: false,
};

/** Looks at a server. `Unreachable` if there is no connection, or none in TLS where the address says so. */
export async function surveyServer(target: Target, signal: AbortSignal): Promise<Survey> {
  const kit = new Kit(target, NOTHING, 0, new Transcript(), signal);
  try {
    const first = { ...NOTHING, credentials: target.secure !== null, tls: await tlsOf(kit) };
    return await surveyExport(kit, first);
  } catch (error) {
    // Rules tell nothing of a server that was called with the wrong certificates or keys.
    if (error instanceof TlsFailure) throw new Unreachable(error.message);
    if (!(error instanceof Violation)) throw error;
    return { ...NOTHING, unusable: error.message };
  } finally {
    kit.close();
  }
}

async function tlsOf(kit: Kit): Promise<Survey['tls']> {
  const plain = await kit.plain();
  const unknown = await plain.option(NbdOption.StructuredReply);
  if (unknown.final.type === OptionReply.ErrTlsRequired) return 'required';
  const { final } = await plain.option(NbdOption.StartTls);
  return final.type === OptionReply.Ack ? 'offered' : 'none';
}

async function surveyExport(kit: Kit, first: Survey): Promise<Survey> {
  if (first.tls === 'required' && !first.credentials) {
    return { ...first, unusable: 'the server insists on TLS, and the address is not of TLS' };
  }
  const extended = await (await kit.greeted()).extended();
  const haggling = await kit.greeted();
  const structured = await haggling.structured();
  if (extended) await haggling.extended();
  const list = await haggling.option(NbdOption.List);
  const listed =
    structured || extended ? await contextsOf(kit, structured) : { contexts: [], allocation: false };
  const { size, flags, blockSizes } = (
    await (await agreed(kit, structured, extended, listed.allocation)).go()
  ).agreed;
  const exports = list.final.type === OptionReply.Ack ? list.before.map(({ data }) => nameIn(data)) : null;
  return { ...first, size, flags, blockSizes, structured, extended, ...listed, exports };
}

/** With all that there is to agree on: a server may set some flags only then. */
function agreed(
  kit: Kit,
  structured: boolean,
  extended: boolean,
  allocation: boolean,
): ReturnType<Kit['haggling']> {
  const mode = extended ? 'extended' : structured ? 'structured' : 'simple';
  return kit.haggling({ mode, ...(allocation ? { contexts: [ALLOCATION_CONTEXT] } : {}) });
}

async function contextsOf(kit: Kit, structured: boolean): Promise<Pick<Survey, 'contexts' | 'allocation'>> {
  const haggling = await kit.haggling({ mode: structured ? 'structured' : 'extended' });
  const none = { contexts: [], allocation: false };
  try {
    const contexts = await haggling.contexts(NbdOption.ListMetaContext, []);
    const selected = await haggling.contexts(NbdOption.SetMetaContext, [ALLOCATION_CONTEXT]);
    return { contexts: contexts.map(({ name }) => name), allocation: selected.length > 0 };
  } catch (error) {
    if (error instanceof Violation) return none;
    throw error;
  }
}

function nameIn(data: Buffer): string {
  return data.length < 4 ? '' : data.toString('utf8', 4, 4 + data.readUInt32BE(0));
}

/** Why a rule with these needs says nothing about the server; null if it does. */
export function unmet(needs: Needs, survey: Survey, writes: boolean, scratch: number): string | null {
  const { flags = 0, without = 0, bytes = 0 } = needs;
  const aboutTls = needs.tls !== undefined && needs.credentials !== true;
  if (survey.unusable !== null && !aboutTls && needs.export !== false) return survey.unusable;
  const reasons: readonly (readonly [boolean, string])[] = [
    [(survey.flags & flags) !== flags, `the server does not set ${missing(flags & ~survey.flags)}`],
    [(survey.flags & without) !== 0, `the server sets ${missing(survey.flags & without)}`],
    [survey.size < bytes, `the export has fewer than ${String(bytes)} bytes`],
    [writes && scratch < bytes, `it has to change ${String(bytes)} bytes, allowed are ${String(scratch)}`],
    [needs.structured === true && !survey.structured, 'structured replies are refused'],
    [needs.extended === true && !survey.extended, 'extended headers are refused'],
    [needs.allocation === true && !survey.allocation, 'base:allocation cannot be selected'],
    [needs.blockSizes === true && survey.blockSizes === null, 'the server does not send block sizes'],
    [needs.minimumBlock === true && (survey.blockSizes?.minimum ?? 1) === 1, 'the minimum block size is 1'],
    [needs.list === true && survey.exports === null, 'LIST is refused'],
    [needs.credentials === true && !survey.credentials, 'the address is not of TLS'],
    [!fits(needs.tls, survey.tls), `the server has TLS: ${survey.tls}`],
  ];
  return reasons.find(([applies]) => applies)?.[1] ?? null;
}

function fits(wanted: Needs['tls'], tls: Survey['tls']): boolean {
  if (wanted === undefined) return true;
  return wanted === 'any' ? tls !== 'none' : wanted === tls;
}

function missing(flags: number): string {
  const names = Object.entries(TransmissionFlag).filter(([, bit]) => (flags & bit) !== 0);
  return names.map(([name]) => name).join(', ');
}

/** Information that clients can ask for. */
export const ALL_INFO: readonly number[] = Object.values(InfoType);
