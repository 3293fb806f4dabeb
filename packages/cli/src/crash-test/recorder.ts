import { rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { createEngine, type Engine, fail, type Port, quoteWord, SECTOR_SIZE } from '@interposer/core';
import { file } from '@interposer/device-file';
import { logWrites } from '@interposer/target-log-writes';
import { ENTRY_SIZE } from '@interposer/write-log';
import type { System } from '../attach/system.ts';
import { copyImage, makeSparse } from './copy-disk.ts';
import { type Served, withDisk } from './disk-session.ts';
import { Interruption } from './interruption.ts';
import { lengthOfLog } from './log-end.ts';
import { endOf, runShell } from './shell-command.ts';

/** Bytes that a log may have. It takes only as much room as is written to it, and is cut to that at the end. */
const LOG_BYTES = 2 ** 40;

/** Bytes of a line that a mark has room for. */
const MAX_PROMISE = SECTOR_SIZE - ENTRY_SIZE - 1;

/** The mapped device that programs write to. */
const DEVICE = 'disk';

/** What to record. */
export interface RecordRequest {
  /** Where `base.img` and `writes.log` go. */
  readonly folder: string;
  /** Bytes of an empty disk, or an image that it begins as a copy of. */
  readonly disk: { readonly bytes: number } | { readonly image: string };
  /** What the disk is made ready with, before anything is recorded. */
  readonly prepare: string | undefined;
  readonly run: string;
  readonly cwd: string;
  readonly userEnv: Readonly<Record<string, string | undefined>>;
  readonly system: System;
  readonly stop: AbortSignal;
  readonly log: (message: string) => void;
  /** What the commands write. */
  readonly onOutput: (text: Uint8Array) => void;
  /** Bytes that the log may have, in place of the usual limit. */
  readonly logBytes?: number;
}

/** What there is of a recording. */
export interface Recording {
  /** The disk before the first write that was recorded. */
  readonly base: string;
  readonly log: string;
}

/**
 * Runs a program on a disk that logs every write. Each line on its standard output becomes a mark in the log when it arrives.
 * ENOSPC if the log ran full, EIO if a command failed.
 */
export async function record(request: RecordRequest): Promise<Recording> {
  const { folder } = request;
  const recording = { base: join(folder, 'base.img'), log: join(folder, 'writes.log') };
  const disk = join(folder, 'disk.img');
  const engine = createEngine({ types: [file, logWrites] });
  engine.onEvent(({ message }) => {
    request.log(message);
  });
  let length: number;
  try {
    await makeBase(request, engine, recording.base);
    await copyImage(engine, recording.base, disk);
    makeSparse(recording.log, request.logBytes ?? LOG_BYTES);
    await recordRun(request, engine, disk, recording.log);
    length = await lengthOfLog(engine, recording.log);
  } finally {
    await engine.close();
  }
  await truncate(recording.log, length);
  await rm(disk);
  return recording;
}

/** The disk as it is before the program runs. */
async function makeBase(request: RecordRequest, engine: Engine, base: string): Promise<void> {
  const { disk, prepare } = request;
  if ('image' in disk) await copyImage(engine, disk.image, base);
  else makeSparse(base, disk.bytes);
  if (prepare === undefined) return;
  const port = await engine.open(base);
  try {
    await serve(request, port, prepare, async (env) => {
      await runCommand(request, 'prepare', prepare, { ...env, INTERPOSER_IMAGE: base });
    });
    await port.flush();
  } finally {
    port.close();
  }
}

/** The log ends when the device is removed; until then what no flush covered is not in it. */
async function recordRun(request: RecordRequest, engine: Engine, disk: string, log: string): Promise<void> {
  const sectors = await sectorsOf(engine, disk);
  const table = `0 ${String(sectors)} log-writes ${quoteWord(disk)} ${quoteWord(log)}`;
  await engine.create(DEVICE, { table });
  try {
    const port = await engine.open(DEVICE);
    try {
      await serve(request, port, request.run, (env) => runMarking(request, engine, env));
    } finally {
      port.close();
    }
  } finally {
    await engine.remove(DEVICE);
  }
}

async function sectorsOf(engine: Engine, image: string): Promise<number> {
  const port = await engine.open(image, { mode: 'read', claim: 'noexcl', holder: 'size' });
  const { sectors } = port.limits;
  port.close();
  return sectors;
}

/** Serves a disk to a command. One that asks for a path is not run without. */
function serve(
  { system, log }: RecordRequest,
  port: Port,
  command: string,
  work: (env: Served) => Promise<void>,
): Promise<void> {
  return withDisk(
    { port, system, path: command.includes('INTERPOSER_DISK') ? 'needed' : 'offered', log },
    work,
  );
}

/** What a program has said when something happened, nobody can take back any more: so it goes into the log in its place. */
async function runMarking(request: RecordRequest, engine: Engine, env: Served): Promise<void> {
  const marks: Promise<unknown>[] = [];
  const lines = { tooLong: 0 };
  await runCommand(request, 'run', request.run, env, (line) => {
    if (line === null) lines.tooLong++;
    else marks.push(engine.message(DEVICE, 0, ['mark', Buffer.from(line).toString()]));
  });
  await Promise.all(marks);
  if (lines.tooLong > 0) {
    throw fail(
      'EINVAL',
      `the run wrote a line of more than ${String(MAX_PROMISE)} bytes; a log of writes has no room for it`,
    );
  }
}

async function runCommand(
  request: RecordRequest,
  what: 'prepare' | 'run',
  command: string,
  env: Served,
  onLine: (line: Uint8Array | null) => void = () => undefined,
): Promise<void> {
  const { cwd, userEnv, stop, onOutput } = request;
  const result = await runShell({
    command,
    cwd,
    env,
    userEnv,
    stop,
    onOutput,
    onLine,
    maxLine: MAX_PROMISE,
  });
  if (stop.aborted) throw new Interruption('nothing was kept');
  const { code, tail } = result;
  if (code === 0) return;
  throw fail('EIO', `the ${what} command: ${endOf(result)}${tail === '' ? '' : `:\n${tail}`}`);
}
