import { KEY_TYPES } from '@interposer/core';
import { inDirectory } from '../working-directory.ts';
import {
  BadParams,
  bytes,
  type Check,
  type Checked,
  count,
  fields,
  flag,
  listOf,
  oneOf,
  optional,
  text,
  transfer,
  words,
} from './checks.ts';
import { edit } from './edit-check.ts';
import type { SocketSettings } from '@interposer/stack-file';
import { namingDevices } from './other-devices.ts';
import type { Session } from './session.ts';
import { openOptions, snapshotOptions } from './snapshot-checks.ts';

/** What a client may call: checks of the parameters, and what to do. */
interface Method {
  readonly checks: readonly Check<unknown>[];
  call(session: Session, args: readonly unknown[]): unknown;
}

function method<const C extends readonly Check<unknown>[]>(
  checks: C,
  call: (session: Session, ...args: Checked<C>) => unknown,
): Method {
  return { checks, call: (session, args) => call(session, ...(args as Checked<C>)) };
}

const noflush = fields({ noflush: flag });
const inactive = fields({ inactive: flag });
const showKeys = fields({ showKeys: flag });
const address = { path: text, port: count, host: text };

const socketSettings = {
  tls: fields({
    mode: oneOf('off', 'allow', 'require'),
    certificates: text,
    psk: text,
    verifyPeer: flag,
  }) as Check<NonNullable<SocketSettings['tls']>>,
  idleTimeout: count,
  mode: count,
  group: text,
};
const exportSettings = {
  as: text,
  readOnly: flag,
  description: text,
  allow: words,
  blockSizes: fields({ minimum: count, preferred: count, maximum: count, strict: flag }),
  maxConnections: count,
};

/** Every method of the control protocol. The names and parameters are those of `Service`. */
const METHODS: Readonly<Record<string, Method>> = {
  chdir: method([text], (session, path) => {
    session.directory = path;
  }),
  create: method(
    [text, fields({ table: text, source: text, uuid: text, readOnly: flag, minor: count })],
    ({ host }, name, options) => host.engine.create(name, options),
  ),
  load: method([text, text, fields({ readOnly: flag, source: text })], ({ host }, name, table, options) =>
    host.engine.load(name, table, options),
  ),
  clear: method([text], ({ host }, name) => host.engine.clear(name)),
  suspend: method([text, noflush], ({ host }, name, options) => host.engine.suspend(name, options)),
  resume: method([text, noflush], ({ host }, name, options) => host.engine.resume(name, options)),
  remove: method([text, fields({ force: flag, deferred: flag })], ({ host }, name, options) =>
    host.engine.remove(name, options),
  ),
  rename: method([text, text], ({ host }, name, newName) => host.engine.rename(name, newName)),
  setUuid: method([text, text], ({ host }, name, uuid) => host.engine.setUuid(name, uuid)),
  message: method([text, count, words], ({ host }, name, sector, message) =>
    host.engine.message(name, sector, message),
  ),
  wait: method([text, count], ({ host, gone }, name, eventNr) =>
    host.engine.wait(name, eventNr, gone.signal),
  ),
  table: method([text, fields({ inactive: flag, showKeys: flag })], ({ host }, name, options) =>
    host.engine.table(name, options),
  ),
  status: method([text, inactive], ({ host }, name, options) => host.engine.status(name, options)),
  progress: method([text], ({ host }, name) => host.engine.progress(name)),
  info: method([text], ({ host }, name) => host.engine.info(name)),
  deps: method([text, inactive], ({ host }, name, options) => host.engine.deps(name, options)),
  list: method([], ({ host }) => host.engine.list()),
  types: method([], ({ host }) => host.engine.types()),
  addKey: method([oneOf(...KEY_TYPES), text, bytes], async ({ host }, type, name, key) => {
    try {
      await host.engine.addKey(type, name, key);
    } finally {
      key.fill(0);
    }
  }),
  removeKey: method([oneOf(...KEY_TYPES), text], ({ host }, type, name) => host.engine.removeKey(type, name)),
  keys: method([], ({ host }) => host.engine.keys()),
  attachFilter: method([text, text], ({ host }, device, spec) => host.engine.attachFilter(device, spec)),
  detachFilter: method([text, text, fields({ force: flag })], ({ host }, device, which, options) =>
    host.engine.detachFilter(device, which, options),
  ),
  swapFilter: method([text, text, text], ({ host }, device, old, spec) =>
    host.engine.swapFilter(device, old, spec),
  ),
  filters: method([optional(text), showKeys], ({ host }, device, options) =>
    host.engine.filters(device, options),
  ),
  messageFilter: method([text, text, words], ({ host }, device, which, message) =>
    host.engine.messageFilter(device, which, message),
  ),
  addRule: method([text, text], ({ host }, pattern, filter) => host.engine.addRule(pattern, filter)),
  removeRule: method([count], ({ host }, id) => host.engine.removeRule(id)),
  rules: method([showKeys], ({ host }, options) => host.engine.rules(options)),
  startRemap: method([text, text, fields({ altitude: text })], ({ host }, mapped, device, options) =>
    host.engine.startRemap(mapped, device, options),
  ),
  finishRemap: method([text], ({ host }, mapped) => host.engine.finishRemap(mapped)),
  remaps: method([], ({ host }) => host.engine.remaps()),
  transaction: method([listOf(edit)], ({ host }, edits) => host.engine.transaction(edits)),
  yank: method([text], ({ host }, device) => host.engine.yank(device)),
  listDevices: method([], ({ host }) => host.engine.listDevices()),
  explain: method([text], ({ host }, device) => host.engine.explain(device)),
  extents: method([text, count, count], ({ host }, device, sector, length) =>
    host.engine.extents(device, sector, length),
  ),
  read: method([text, count, transfer], async ({ host }, device, sector, length) =>
    Buffer.from(await host.engine.read(device, sector, length)).toString('base64'),
  ),
  write: method([text, count, bytes], ({ host }, device, sector, data) =>
    host.engine.write(device, sector, data),
  ),
  flush: method([text], ({ host }, device) => host.engine.flush(device)),
  discard: method([text, count, count], ({ host }, device, sector, length) =>
    host.engine.discard(device, sector, length),
  ),
  zero: method([text, count, count], ({ host }, device, sector, length) =>
    host.engine.zero(device, sector, length),
  ),
  addExport: method(
    [text, fields({ ...address, ...socketSettings, ...exportSettings })],
    ({ host }, device, request) => host.exports.add(device, request),
  ),
  removeExport: method([text, fields(address)], ({ host }, name, where) => host.exports.remove(name, where)),
  exports: method([], ({ host }) => host.exports.list()),
  attach: method(
    [text, fields({ method: oneOf('auto', 'nbd', 'loop', 'fuse'), mountPoint: text, readOnly: flag })],
    ({ host }, device, request) => host.attachments.attach(device, request),
  ),
  detach: method([text, fields({ force: flag })], ({ host }, what, options) =>
    host.attachments.detach(what, options),
  ),
  attachments: method([], ({ host }) => host.attachments.list()),
  createSnapshots: method([listOf(snapshotOptions)], ({ host }, requests) => host.snapshots.create(requests)),
  openSnapshot: method([openOptions], (session, request) =>
    session.unlessGone(session.host.snapshots.open(request)),
  ),
  snapshots: method([], ({ host }) => host.snapshots.list()),
  mergeSnapshot: method([text, fields({ wait: flag })], (session, name, { wait = false }) =>
    session.unlessGone(session.host.snapshots.merge(name, wait)),
  ),
  removeSnapshot: method([text], ({ host }, name) => host.snapshots.remove(name)),
  hold: method([text, oneOf('read', 'write')], (session, device, mode) => session.hold(device, mode)),
  release: method([text], (session, device) => {
    session.release(device);
  }),
  loadPlugin: method([text], (session, spec) => session.loadPlugin(spec)),
  plugins: method([], ({ host }) => host.plugins.list()),
  problems: method([], ({ host }) => host.plugins.problems),
  shutdown: method([], (session) => {
    session.onShutdown();
  }),
};

/** Names of the methods. */
export const METHOD_NAMES: readonly string[] = Object.keys(METHODS);

/** Whether a client may call it. */
export function isMethod(name: string): boolean {
  return Object.hasOwn(METHODS, name);
}

/** Calls a method for a client. BadParams if the parameters do not fit. */
export async function callMethod(
  session: Session,
  name: string,
  params: readonly unknown[],
): Promise<unknown> {
  const method = METHODS[name]!;
  const { checks } = method;
  if (params.length > checks.length) {
    throw new BadParams(`${name} takes at most ${String(checks.length)} parameters`);
  }
  const args = checks.map((check, index) =>
    check(params[index], `parameter ${String(index + 1)} of ${name}`),
  );
  return inDirectory(session.directory, async () => {
    try {
      return await method.call(session, args);
    } catch (error) {
      throw await namingDevices(session.host, name, args, error);
    }
  });
}
