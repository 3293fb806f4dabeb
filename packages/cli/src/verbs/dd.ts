import { resolve } from 'node:path';
import { isInterposerError } from '@interposer/core';
import { copy, systemText } from '../dd/copy.ts';
import { DeviceDestination, DeviceSource } from '../dd/device-sides.ts';
import { openDestination, openSource, streamDestination, streamSource } from '../dd/file-sides.ts';
import { ddFailure, type DdRequest, parseDd } from '../dd/operands.ts';
import type { Destination, Source } from '../dd/sides.ts';
import { totalsText } from '../dd/totals-text.ts';
import type { Service } from '../service.ts';
import { ANY, type Command, type Verb } from '../verb.ts';

export const dd: Verb = {
  name: 'dd',
  operands: '[if=DEV|FILE] [of=DEV|FILE] [bs=BYTES] [count=N] [skip=N] [seek=N] [conv=fsync,notrunc]',
  count: [0, ANY],
  summary: 'Copy blocks between devices and files, as dd does',
  about:
    'A mapped device by name, /dev/mapper/NAME or number, ram:SIZE and nbd:// URIs are devices of the daemon; everything ' +
    'else is a file here, as is standard input or output where if= or of= is left out. At an error what was read before is ' +
    'written and the exit code is 1. bs= takes the suffixes of GNU dd; status=none|noxfer says less.',
  options: [],
  examples: [
    { command: 'interposer dd if=bad_disk of=head bs=1k count=4', about: 'The first 4 KiB of a device' },
    {
      command: 'interposer dd if=my.img of=disk bs=1M conv=fsync',
      about: 'An image onto a device, stable at the end',
    },
  ],
  run: async (command) => {
    const request = parseDd(command.operands);
    const source = await openInput(command, request);
    try {
      return await transfer(command, request, source);
    } finally {
      await source.close();
    }
  },
};

async function transfer(command: Command, request: DdRequest, source: Source): Promise<number> {
  const destination = await openOutput(command, request);
  const { stderr } = command.around;
  try {
    const start = performance.now();
    const { totals, failed } = await copy(request, source, destination, (text) => {
      stderr.write(`dd: ${text}\n`);
    });
    const seconds = (performance.now() - start) / 1000;
    if (command.options.has('json')) stderr.write(`${JSON.stringify({ ...totals, seconds })}\n`);
    else if (request.status !== 'none') stderr.write(totalsText(totals, seconds, request.status === 'all'));
    return failed ? 1 : 0;
  } finally {
    await destination.close();
  }
}

async function openInput(
  command: Command,
  { input, blockSize, skip, count = Infinity }: DdRequest,
): Promise<Source> {
  const { around } = command;
  const from = skip * blockSize;
  if (input === undefined) return streamSource('standard input', around.stdin, from);
  return opening(input, async () => {
    const service = await deviceService(command, input);
    if (service === undefined) return openSource(input, resolve(around.cwd, input), from);
    const held = await service.hold(input, 'read');
    const source = new DeviceSource(input, service, held, from, from + count * blockSize);
    if (from > source.end) around.stderr.write(`dd: ${input}: cannot skip to specified offset\n`);
    return source;
  });
}

async function openOutput(
  command: Command,
  { output, blockSize, seek, notrunc }: DdRequest,
): Promise<Destination> {
  const { around } = command;
  const to = seek * blockSize;
  if (output === undefined) return streamDestination('standard output', around.stdout);
  return opening(output, async () => {
    const service = await deviceService(command, output);
    if (service === undefined) return openDestination(output, resolve(around.cwd, output), to, notrunc);
    return new DeviceDestination(output, service, await service.hold(output, 'write'), to);
  });
}

async function opening<T>(name: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    throw ddFailure(
      `failed to open '${name}': ${systemText(error)}`,
      isInterposerError(error) ? error : undefined,
    );
  }
}

const DEVICE_WORD = /^(?:\/dev\/mapper\/.+|\d+:\d+|[a-z][a-z0-9+-]*:.*)$/s;

/** The daemon if a word means a device of it; a plain word does if there is a mapped device of that name. */
export async function deviceService(command: Command, word: string): Promise<Service | undefined> {
  if (DEVICE_WORD.test(word)) return command.service();
  if (word.includes('/')) return undefined;
  const service = await command.runningService();
  const isMapped = (await service?.list())?.some(({ name }) => name === word) === true;
  return isMapped ? service : undefined;
}
