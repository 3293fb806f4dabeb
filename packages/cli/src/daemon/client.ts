import { SECTOR_SIZE } from '@interposer/core';
import type { Service } from '../service.ts';
import { MAX_TRANSFER } from './checks.ts';

/** Sends a request, resolves with its result. */
export type Call = (method: string, params: readonly unknown[]) => Promise<unknown>;

/** The service behind a way to call its methods: over a socket, or in this process. */
export function serviceOver(call: Call): Service {
  const send = <T>(method: string, ...params: readonly unknown[]): Promise<T> =>
    call(method, params) as Promise<T>;
  return {
    ...deviceService(send),
    ...editService(send),
    chdir: (path) => send('chdir', path),
    create: (name, options) => send('create', name, options),
    load: (name, table, options) => send('load', name, table, options),
    clear: (name) => send('clear', name),
    suspend: (name, options) => send('suspend', name, options),
    resume: (name, options) => send('resume', name, options),
    remove: (name, options) => send('remove', name, options),
    rename: (name, newName) => send('rename', name, newName),
    setUuid: (name, uuid) => send('setUuid', name, uuid),
    message: (name, sector, words) => send('message', name, sector, words),
    wait: (name, eventNr) => send('wait', name, eventNr),
    table: (name, options) => send('table', name, options),
    status: (name, options) => send('status', name, options),
    progress: (name) => send('progress', name),
    info: (name) => send('info', name),
    deps: (name, options) => send('deps', name, options),
    list: () => send('list'),
    types: () => send('types'),
    addKey: (type, name, key) => send('addKey', type, name, base64Of(key)),
    removeKey: (type, name) => send('removeKey', type, name),
    keys: () => send('keys'),
    addExport: (name, request) => send('addExport', name, request),
    removeExport: (name, address) => send('removeExport', name, address),
    exports: () => send('exports'),
    attach: (device, request) => send('attach', device, request),
    detach: (what, options) => send('detach', what, options),
    attachments: () => send('attachments'),
    ...snapshotService(send),
    loadPlugin: (spec) => send('loadPlugin', spec),
    plugins: () => send('plugins'),
    problems: () => send('problems'),
    shutdown: () => send('shutdown'),
  };
}

type Send = <T>(method: string, ...params: readonly unknown[]) => Promise<T>;

type EditVerbs =
  | 'attachFilter'
  | 'detachFilter'
  | 'swapFilter'
  | 'filters'
  | 'messageFilter'
  | 'addRule'
  | 'removeRule'
  | 'rules'
  | 'startRemap'
  | 'finishRemap'
  | 'remaps'
  | 'transaction'
  | 'yank';

function editService(send: Send): Pick<Service, EditVerbs> {
  return {
    attachFilter: (device, spec) => send('attachFilter', device, spec),
    detachFilter: (device, which, options) => send('detachFilter', device, which, options),
    swapFilter: (device, old, spec) => send('swapFilter', device, old, spec),
    filters: (device, options) => send('filters', device, options),
    messageFilter: (device, which, words) => send('messageFilter', device, which, words),
    addRule: (pattern, filter) => send('addRule', pattern, filter),
    removeRule: (id) => send('removeRule', id),
    rules: (options) => send('rules', options),
    startRemap: (mapped, device, options) => send('startRemap', mapped, device, options),
    finishRemap: (mapped) => send('finishRemap', mapped),
    remaps: () => send('remaps'),
    transaction: (edits) => send('transaction', edits),
    yank: (device) => send('yank', device),
  };
}

type SnapshotVerbs = 'createSnapshots' | 'openSnapshot' | 'snapshots' | 'mergeSnapshot' | 'removeSnapshot';

function snapshotService(send: Send): Pick<Service, SnapshotVerbs> {
  return {
    createSnapshots: (requests) => send('createSnapshots', requests),
    openSnapshot: (request) => send('openSnapshot', request),
    snapshots: () => send('snapshots'),
    mergeSnapshot: (name, options) => send('mergeSnapshot', name, options),
    removeSnapshot: (name) => send('removeSnapshot', name),
  };
}

type DeviceVerbs =
  | 'listDevices'
  | 'explain'
  | 'extents'
  | 'read'
  | 'write'
  | 'flush'
  | 'discard'
  | 'zero'
  | 'hold'
  | 'release';

function deviceService(send: Send): Pick<Service, DeviceVerbs> {
  return {
    listDevices: () => send('listDevices'),
    explain: (device) => send('explain', device),
    extents: (device, sector, count) => send('extents', device, sector, count),
    read: (device, sector, count) => readPieces(send, device, sector, count),
    write: (device, sector, data) => writePieces(send, device, sector, data),
    flush: (device) => send('flush', device),
    discard: (device, sector, count) => send('discard', device, sector, count),
    zero: (device, sector, count) => send('zero', device, sector, count),
    hold: (device, mode) => send('hold', device, mode),
    release: (device) => send('release', device),
  };
}

/** A message carries a bounded amount of data: more goes in pieces, one after another. */
async function readPieces(send: Send, device: string, sector: number, count: number): Promise<Uint8Array> {
  if (count <= MAX_TRANSFER) return Buffer.from(await send<string>('read', device, sector, count), 'base64');
  const data = new Uint8Array(count * SECTOR_SIZE);
  for (let done = 0; done < count; done += MAX_TRANSFER) {
    const piece = await send<string>('read', device, sector + done, Math.min(MAX_TRANSFER, count - done));
    data.set(Buffer.from(piece, 'base64'), done * SECTOR_SIZE);
  }
  return data;
}

async function writePieces(send: Send, device: string, sector: number, data: Uint8Array): Promise<void> {
  const most = MAX_TRANSFER * SECTOR_SIZE;
  for (let done = 0; done === 0 || done < data.length; done += most) {
    const piece = data.subarray(done, done + most);
    await send('write', device, sector + done / SECTOR_SIZE, base64Of(piece));
  }
}

function base64Of({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('base64');
}
