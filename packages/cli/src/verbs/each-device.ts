import { infos, namedDevices, operationFailure, type Subject } from '../mapped-names.ts';
import type { Service } from '../service.ts';
import type { Command } from '../verb.ts';

/** What a verb that takes none, one or several devices does with one of them. */
export type Work<T> = (name: string, service: Service) => Promise<T>;

/**
 * Runs a verb that takes none (which means all), one or several devices. Each one's text is written before the next is
 * looked at, and the first that fails ends it, as with dmsetup. `text` is told whether there may be several: then each line
 * names its device.
 */
export async function eachDevice<T>(
  command: Command,
  operation: string,
  work: Work<T>,
  text: (value: T, name: string, several: boolean) => string,
): Promise<undefined> {
  const service = await command.service();
  const named = await namedDevices(command, operation);
  const subjects = named.length > 0 ? named : await allDevices(service);
  const several = named.length !== 1;
  const asJson = command.options.has('json');
  const values: T[] = [];
  for (const { name, subject } of subjects) {
    const value = await work(name, service).catch((error: unknown) => {
      throw operationFailure(operation, subject, error);
    });
    values.push(value);
    if (!asJson) command.print(text(value, name, several));
  }
  if (asJson) command.show(values, () => '');
  else if (subjects.length === 0) command.print('No devices found\n');
}

async function allDevices(service: Service): Promise<Subject[]> {
  return (await infos(service)).map(({ name }) => ({ name, subject: { name } }));
}

/** Runs a verb that needs at least one device and prints nothing. */
export async function forDevices(
  subjects: readonly Subject[],
  operation: string,
  work: (name: string) => Promise<unknown>,
): Promise<undefined> {
  for (const { name, subject } of subjects) {
    await work(name).catch((error: unknown) => {
      throw operationFailure(operation, subject, error);
    });
  }
}
