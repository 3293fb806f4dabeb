import { NbdCommand, NbdOption, OptionReply, TransmissionFlag } from '@interposer/nbd-protocol';
import { type Kit, refusal } from '../kit.ts';
import type { Negotiation, OptionAnswer } from '../negotiation.ts';
import { replyName } from '../names.ts';
import { expect, NotApplicable } from '../rule.ts';
import type { Survey } from '../survey.ts';
import type { Transmission } from '../transmission.ts';
import type { Command } from '../request.ts';
import type { Chunk, Reply } from '../reply.ts';
import { Closed } from '../wire.ts';

/** Numbers that no version of the protocol uses. */
export const UNKNOWN_OPTION = 0x7ead;
export const UNKNOWN_COMMAND = 0x7ad;
export const UNKNOWN_COMMAND_FLAG = 0x8000;

/** Most clients move this much at a time. */
export const KIB_4 = 4096;
export const KIB_64 = 65536;

/** For rules that write. */
export const WRITABLE: { readonly without: number; readonly bytes: number } = {
  without: TransmissionFlag.ReadOnly,
  bytes: KIB_64,
};

/** `Violation` unless the answer ends with one of these. */
export function expectFinal({ final }: OptionAnswer, what: string, ...types: readonly number[]): void {
  expect(
    types.includes(final.type),
    `${what} is answered with ${replyName(final.type)}, not with ${types.map(replyName).join(' or ')}`,
  );
}

/** Whether it is an error. */
export function isError({ final }: OptionAnswer): boolean {
  return final.type !== OptionReply.Ack;
}

/** `Violation` unless the next option is answered. */
export async function stillNegotiates(negotiation: Negotiation): Promise<void> {
  await negotiation.info(NbdOption.Info);
}

/** `Violation` unless the next READ succeeds. */
export async function stillServes(transmission: Transmission, survey: Survey): Promise<void> {
  await transmission.read(0, unit(survey));
}

/** The smallest length that every client may use. */
export function unit({ blockSizes, size }: Survey): number {
  const length = Math.max(512, blockSizes?.minimum ?? 1);
  if (size < length) throw new NotApplicable(`the export has fewer than ${String(length)} bytes`);
  return length;
}

/** The start of the last unit. */
export function lastUnit(survey: Survey): number {
  const length = unit(survey);
  return Math.floor((survey.size - length) / length) * length;
}

/** The longest prefix in whole minimum blocks of an export, up to a limit. */
export function prefix(survey: Survey, limit: number): number {
  const block = survey.blockSizes?.minimum ?? 1;
  const most = Math.min(limit, survey.size, survey.blockSizes?.maximum ?? limit);
  return Math.floor(most / block) * block;
}

/** The first multiple of a unit at or after the end of the export. */
export function beyond(survey: Survey): number {
  const length = unit(survey);
  return Math.ceil(survey.size / length) * length;
}

/** Bytes that differ from place to place and from seed to seed, none of them zero. */
export function pattern(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = 1 + ((i * 31 + (i >> 8) * 17 + seed * 101) % 255);
  return bytes;
}

/** `Violation` unless these are the bytes that were expected there. */
export function expectBytes(came: Buffer, wanted: Buffer, what: string): void {
  if (came.equals(wanted)) return;
  const at = came.findIndex((byte, index) => byte !== wanted[index]);
  const [have, want] = [came[at] ?? 0, wanted[at] ?? 0];
  expect(false, `${what}: byte ${String(at)} is ${String(have)}, not ${String(want)}`);
}

/** Chunks with data or holes. */
export function contentChunks(reply: Reply): Chunk[] {
  return reply.chunks.filter(({ type }) => type === 1 || type === 2);
}

/** The start and end of a content chunk, relative to the export. Null if it is malformed. */
export function extentOf({ type, payload }: Chunk): { start: bigint; end: bigint } | null {
  if (payload.length < 8 || (type === 2 && payload.length !== 12)) return null;
  const start = payload.readBigUInt64BE(0);
  const length = type === 2 ? payload.readUInt32BE(8) : payload.length - 8;
  return { start, end: start + BigInt(length) };
}

/**
 * Sends a command that a server need not serve, and expects that the connection survives. What it is answered with does
 * not matter.
 */
export async function bears(transmission: Transmission, command: Command, survey: Survey): Promise<void> {
  const closed = await refusal(transmission.command(command));
  expect(!(closed instanceof Closed), 'the server closes the connection');
  if (closed !== null) throw closed;
  await stillServes(transmission, survey);
}

/** A command of one unit at the start. */
export function atStart(type: number, survey: Survey, flags = 0): Command {
  const length = unit(survey);
  return type === NbdCommand.Write
    ? { type, flags, data: pattern(length, type) }
    : { type, flags, length: type === NbdCommand.Flush ? 0 : length };
}

/** The answer to a read that has to fail. */
export async function failedRead(kit: Kit): Promise<Reply> {
  const transmission = await kit.ready({ mode: 'structured' });
  const reply = await transmission.command({
    type: NbdCommand.Read,
    offset: beyond(kit.survey),
    length: unit(kit.survey),
  });
  expect(reply.error !== 0, 'a read beyond the end succeeds');
  return reply;
}
