import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { fail } from '@interposer/core';
import { sameDevice } from '../device-words.ts';
import type { StackExport } from '../stack.ts';
import type { ExportControl, AllSettings, StackControl } from '../stack-control.ts';
import type { ItemKind } from './kind.ts';

/** The port of URIs that name none. */
const NBD_PORT = 10_809;

/** Exports. One is known by its name and its socket. */
export const exportKind: ItemKind<StackExport> = {
  label: ({ name, address }) => `export ${name} on ${addressText(address)}`,
  async find(control, item) {
    const running = (await exportsOf(control).exports()).find(
      ({ name, uri }) => name === item.name && isServedOn(addressOf(uri), item.address),
    );
    if (running === undefined) return undefined;
    const remove = (): Promise<void> => exportsOf(control).removeExport(item.name, item.address);
    const isSame =
      running.readOnly === item.readOnly &&
      hasSettings(running, item) &&
      (await sameDevice(control, running.device, item.device));
    if (isSame) return { remove };
    const keys = Object.keys(item.settings);
    return { remove, differs: { wanted: text(item, keys), running: text(running, keys) } };
  },
  async make(control, { device, name, address, readOnly, description, settings }) {
    const about = description === undefined ? {} : { description };
    await exportsOf(control).addExport(device, { ...address, ...settings, as: name, readOnly, ...about });
    return () => exportsOf(control).removeExport(name, address);
  },
};

function exportsOf(control: StackControl): ExportControl {
  if (!servesExports(control)) {
    throw fail('ENOTSUP', 'this stack has exports, and there is no daemon that could serve them');
  }
  return control;
}

function servesExports(control: StackControl): control is StackControl & ExportControl {
  return (
    control.addExport !== undefined && control.removeExport !== undefined && control.exports !== undefined
  );
}

/** Whether an export has what the file asks for; what the file does not write may be anything. */
function hasSettings({ settings = {} }: Settled, wanted: StackExport): boolean {
  return settingKeys(wanted.settings).every((key) => isDeepStrictEqual(settings[key], wanted.settings[key]));
}

function settingKeys(settings: AllSettings): (keyof AllSettings)[] {
  return Object.keys(settings) as (keyof AllSettings)[];
}

interface Settled {
  readonly device: string;
  readonly readOnly: boolean;
  readonly settings?: AllSettings;
}

/** What is compared; of the settings those that the file has. */
function text({ device, readOnly, settings = {} }: Settled, keys: readonly string[]): string {
  const shown = keys.map(
    (key) => `, ${key} ${JSON.stringify(settings[key as keyof AllSettings] ?? 'not set')}`,
  );
  return `${device}, ${readOnly ? 'read-only' : 'writable'}${shown.join('')}`;
}

function addressText(address: StackExport['address']): string {
  return 'path' in address ? address.path : `${address.host}:${String(address.port)}`;
}

/** A URI holds the numeric address of a host that may have been given by name. */
function isServedOn(running: StackExport['address'], wanted: StackExport['address']): boolean {
  if ('path' in running || 'path' in wanted) return addressText(running) === addressText(wanted);
  return running.port === wanted.port && (isIP(wanted.host) === 0 || running.host === wanted.host);
}

/** The socket in an export's URI. */
function addressOf(uri: string): StackExport['address'] {
  const url = new URL(uri);
  const path = url.searchParams.get('socket');
  if (path !== null) return { path };
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? NBD_PORT : Number(url.port),
  };
}
