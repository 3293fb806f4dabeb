import {
  type CreateOptions,
  type DeviceInfo,
  type DeviceRef,
  type DeviceSummary,
  fail,
  type FilterInfo,
  type FilterRule,
  parseTable,
  type PathNode,
  type RemapInfo,
  type TableRow,
} from '@interposer/core';
import type { ExportInfo, ExportRequest, StackControl } from '../../src/index.ts';

interface FakeDevice {
  readonly name: string;
  readonly minor: number;
  readonly options: CreateOptions;
}

/** A control without I/O that records what is done to it and fails when told to. */
export class FakeControl implements StackControl {
  /** Every change, in order. */
  readonly calls: string[] = [];
  /** Changes before one fails. */
  failAfter = Infinity;
  /** Changes of this text fail, however often they are tried. */
  failOn: RegExp | null = null;
  readonly #devices = new Map<string, FakeDevice>();
  readonly #filters: FilterInfo[] = [];
  readonly #remaps: RemapInfo[] = [];
  readonly #rules: FilterRule[] = [];
  readonly #exports: (ExportInfo & { readonly address: string })[] = [];
  #last = 0;

  /** Everything there is, to compare states by. */
  get state(): unknown {
    return structuredClone({
      devices: [...this.#devices.values()].map(({ name, options }) => ({ name, options })),
      filters: this.#filters,
      remaps: this.#remaps,
      rules: this.#rules.map(({ pattern, filter }) => ({ pattern, filter })),
      exports: this.#exports,
    });
  }

  async create(name: string, options: CreateOptions = {}): Promise<DeviceInfo> {
    this.#change(`create ${name}`);
    for (const lower of this.#named(options.table ?? '')) {
      if (!this.#devices.has(lower)) throw fail('ENXIO', `no device ${lower}`);
    }
    this.#devices.set(name, { name, minor: this.#last++, options });
    return this.info(name);
  }

  async remove(name: string): Promise<void> {
    this.#change(`remove ${name}`);
    const upper = [...this.#devices.values()].find(({ options }) =>
      this.#named(options.table ?? '').includes(name),
    );
    if (upper !== undefined) throw fail('EBUSY', `${name} is open: ${upper.name}`);
    if (!this.#devices.delete(name)) throw fail('ENXIO', `no mapped device ${name}`);
  }

  async info(name: string): Promise<DeviceInfo> {
    const { options, minor } = this.#get(name);
    return {
      name,
      minor,
      major: 254,
      uuid: options.uuid ?? '',
      suspended: false,
      readOnly: options.readOnly ?? false,
      deferredRemove: false,
      live: true,
      inactive: false,
      openCount: 0,
      eventNr: 0,
      targets: 1,
      sectors: 8,
    };
  }

  async table(name: string): Promise<TableRow[]> {
    return parseTable(this.#get(name).options.table ?? '').map(({ start, length, type, words }) => ({
      start,
      length,
      type,
      params: words.join(' '),
    }));
  }

  async list(): Promise<DeviceRef[]> {
    return [...this.#devices.values()].map(({ name, minor }) => ({ name, major: 254, minor }));
  }

  async listDevices(): Promise<DeviceSummary[]> {
    return [];
  }

  async explain(device: string): Promise<PathNode> {
    const { name, minor } = this.#get(device);
    const ref = { name, major: 254, minor };
    return { device: ref, sectors: 8, counters: { bios: 0 }, inflight: 0, filters: [], rows: [] };
  }

  async attachFilter(device: string, spec: string): Promise<FilterInfo> {
    this.#change(`attach ${device} ${spec}`);
    const [head = '', ...words] = spec.split(' ');
    const [type = '', altitude = '5'] = head.split('@');
    const info = { device, type, altitude, args: words.join(' '), status: '' };
    this.#filters.push(info);
    return info;
  }

  async detachFilter(device: string, which: string): Promise<void> {
    this.#change(`detach ${device} ${which}`);
    drop(this.#filters, (one) => one.device === device && `${one.type}@${one.altitude}` === which);
  }

  async filters(device?: string): Promise<FilterInfo[]> {
    const found = this.#filters.filter((one) => one.device === device);
    if (found.length === 0) throw fail('ENXIO', `no device ${device ?? ''}`);
    return found;
  }

  async startRemap(mapped: string, device: string, { altitude = '200000' } = {}): Promise<RemapInfo> {
    this.#change(`remap ${mapped} ${device}`);
    const info = { mapped, device, altitude };
    this.#remaps.push(info);
    return info;
  }

  async finishRemap(mapped: string): Promise<void> {
    this.#change(`unremap ${mapped}`);
    drop(this.#remaps, (one) => one.mapped === mapped);
  }

  async remaps(): Promise<RemapInfo[]> {
    return this.#remaps;
  }

  async addRule(pattern: string, filter: string): Promise<FilterRule> {
    this.#change(`rule ${pattern} ${filter}`);
    const rule = { id: ++this.#last, pattern, filter };
    this.#rules.push(rule);
    return rule;
  }

  async removeRule(id: number): Promise<void> {
    this.#change('unrule');
    drop(this.#rules, (one) => one.id === id);
  }

  async rules(): Promise<FilterRule[]> {
    return this.#rules;
  }

  async addExport(
    device: string,
    { as = device, readOnly = false, path, port, host }: ExportRequest,
  ): Promise<ExportInfo> {
    this.#change(`export ${as}`);
    const address = path ?? `${host ?? ''}:${String(port)}`;
    const uri =
      path === undefined ? `nbd://${address}/${as}` : `nbd+unix:///${as}?socket=${encodeURIComponent(path)}`;
    const info = { name: as, device, readOnly, uri, address };
    this.#exports.push(info);
    return info;
  }

  async removeExport(
    name: string,
    { path, port, host }: { readonly path?: string; readonly port?: number; readonly host?: string } = {},
  ): Promise<void> {
    this.#change(`unexport ${name}`);
    const address = path ?? `${host ?? ''}:${String(port)}`;
    drop(this.#exports, (one) => one.name === name && one.address === address);
  }

  async exports(): Promise<ExportInfo[]> {
    return this.#exports;
  }

  #get(name: string): FakeDevice {
    const device = this.#devices.get(name.replace('/dev/mapper/', ''));
    if (device === undefined) throw fail('ENXIO', `no device ${name}`);
    return device;
  }

  #named(table: string): string[] {
    return parseTable(table).flatMap(({ words }) =>
      words
        .filter((word) => word.startsWith('/dev/mapper/'))
        .map((word) => word.slice('/dev/mapper/'.length)),
    );
  }

  #change(call: string): void {
    this.calls.push(call);
    if (this.calls.length > this.failAfter) {
      this.failAfter = Infinity;
      throw fail('ENOSPC', `made to fail: ${call}`);
    }
    if (this.failOn?.test(call) === true) throw fail('EBUSY', `made to fail: ${call}`);
  }
}

function drop<T>(list: T[], matches: (item: T) => boolean): void {
  const index = list.findIndex(matches);
  if (index < 0) throw fail('ENOENT', 'there is none');
  list.splice(index, 1);
}
