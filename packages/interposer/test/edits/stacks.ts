import type { Random } from '@interposer/conformance';
import type { Control, Edit } from '@interposer/core';
import type { Layout } from './layout.ts';
import { identityRows, turnedRows } from './layout.ts';

const MOST_FILTERS = 4;
const KINDS = [
  ...['attach', 'attach', 'detach', 'swap', 'swap', 'reload', 'reload'],
  ...['remap', 'remap', 'turn', 'roam'],
];
const REMAP_ALTITUDES = ['180000', '200000', '210000.5'];

/** What filters there are on one device, by altitude, and what stands in for what. The model of what edits do to an engine. */
export class Stacks {
  /** Device to altitude to filter type; remaps are among them. */
  readonly #filters: Map<string, Map<string, string>>;
  /** What stands in, and for which device at which altitude. */
  readonly #remaps: Map<string, { readonly device: string; readonly altitude: string }>;
  readonly #layout: Layout;
  /** The halves of the disk have changed places in its table, and change back in what stands in for it. */
  #turned: boolean;

  constructor(layout: Layout, from?: Stacks) {
    this.#layout = layout;
    this.#filters = new Map(
      layout.devices.map(({ name }) => [name, new Map(from === undefined ? [] : from.on(name))]),
    );
    this.#remaps = new Map(from === undefined ? [] : from.#remaps);
    this.#turned = from !== undefined && from.#turned;
  }

  copy(): Stacks {
    return new Stacks(this.#layout, this);
  }

  on(device: string): ReadonlyMap<string, string> {
    return this.#filters.get(device)!;
  }

  /** As `filters` of an engine lists them. */
  list(): string[] {
    return [...this.#filters].flatMap(([device, filters]) =>
      [...filters].map(([altitude, type]) => `${device} ${type}@${altitude}`),
    );
  }

  /** One more edit for a transaction, or several that belong together; the model has them already. */
  addTo(transaction: Edit[], random: Random): void {
    let edits: Edit[] | undefined;
    while (edits === undefined) edits = this.#make(random.pick(KINDS), random);
    transaction.push(...edits);
  }

  /** All that takes everything out again. */
  undo(): Edit[] {
    const remaps = [...this.#remaps.keys()]
      .filter((mapped) => mapped !== 'turn')
      .flatMap((mapped) => this.#finish(mapped));
    const turn = this.#turned ? this.#turnBack() : [];
    const filters = [...this.#filters].flatMap(([device, on]) =>
      [...on.keys()].map((altitude): Edit => ({ kind: 'detach', device, filter: altitude })),
    );
    for (const on of this.#filters.values()) on.clear();
    return [...remaps, ...turn, ...filters];
  }

  #make(kind: string, random: Random): Edit[] | undefined {
    switch (kind) {
      case 'attach':
        return this.#attach(random);
      case 'detach':
        return this.#detach(random);
      case 'swap':
        return this.#swap(random);
      case 'reload':
        return [this.#reload(random)];
      case 'remap':
        return this.#remap(random);
      case 'turn':
        return this.#turned ? this.#turnBack(random) : this.#turn(random);
      default:
        return this.#roam(random);
    }
  }

  #attach(random: Random): Edit[] | undefined {
    const { name: device } = random.pick(this.#layout.devices);
    const on = this.#filters.get(device)!;
    const altitude = String(random.between(100_001, 499_999));
    if (on.size >= MOST_FILTERS || on.has(altitude)) return undefined;
    const { type, args } = filterOf(random);
    on.set(altitude, type);
    return [{ kind: 'attach', device, filter: `${type}@${altitude} ${args}` }];
  }

  #detach(random: Random): Edit[] | undefined {
    const found = this.#pickFilter(random);
    if (found === undefined) return undefined;
    const { device, type, altitude } = found;
    this.#filters.get(device)!.delete(altitude);
    return [{ kind: 'detach', device, filter: random.chance(0.5) ? altitude : `${type}@${altitude}` }];
  }

  #swap(random: Random): Edit[] | undefined {
    const found = this.#pickFilter(random);
    if (found === undefined) return undefined;
    const { device, altitude } = found;
    const on = this.#filters.get(device)!;
    const { type, args } = filterOf(random);
    const elsewhere = String(random.between(100_001, 499_999));
    const moves = random.chance(0.3) && !on.has(elsewhere);
    on.delete(altitude);
    on.set(moves ? elsewhere : altitude, type);
    return [{ kind: 'swap', device, old: altitude, new: `${type}${moves ? `@${elsewhere}` : ''} ${args}` }];
  }

  #reload(random: Random): Edit {
    const mapped = this.#layout.devices.filter(({ table }) => table !== undefined);
    const { name, table } = random.pick(mapped);
    const text = name === 'disk' && this.#turned ? turnedRows(this.#layout.parts, '') : table!(random);
    return { kind: 'reload', device: name, table: text };
  }

  #remap(random: Random): Edit[] | undefined {
    const { mapped, device } = random.pick(this.#layout.standIns);
    if (this.#remaps.has(mapped)) return this.#finish(mapped);
    const altitude = this.#freeRemapAltitude(device, random);
    return altitude === undefined ? undefined : this.#start(mapped, device, altitude);
  }

  /** The halves of the disk change places in its table, and in what stands in for it: seen from above nothing happens. */
  #turn(random: Random): Edit[] | undefined {
    const altitude = this.#freeRemapAltitude('disk', random);
    if (altitude === undefined) return undefined;
    this.#turned = true;
    const edits: Edit[] = [{ kind: 'reload', device: 'disk', table: turnedRows(this.#layout.parts, '') }];
    return [...edits, ...this.#start('turn', 'disk', altitude)];
  }

  #turnBack(random?: Random): Edit[] {
    this.#turned = false;
    const table = identityRows(this.#layout.parts, '', random);
    return [...this.#finish('turn'), { kind: 'reload', device: 'disk', table }];
  }

  /** One that stands in now here, now there, each time with a table that is as large as it has to be. */
  #roam(random: Random): Edit[] | undefined {
    const isThere = this.#remaps.has('spare');
    if (isThere && random.chance(0.5)) return this.#finish('spare');
    const { name, sectors } = random.pick(this.#layout.devices.filter((device) => device.name !== 'spare'));
    const altitude = this.#freeRemapAltitude(name, random);
    if (altitude === undefined) return undefined;
    const table = identityRows([{ device: name, offset: 0, sectors }], 'noexcl', random);
    const finish = isThere ? this.#finish('spare') : [];
    return [...finish, { kind: 'reload', device: 'spare', table }, ...this.#start('spare', name, altitude)];
  }

  #freeRemapAltitude(device: string, random: Random): string | undefined {
    const on = this.#filters.get(device)!;
    const free = REMAP_ALTITUDES.filter((altitude) => !on.has(altitude));
    return free.length === 0 ? undefined : random.pick(free);
  }

  #start(mapped: string, device: string, altitude: string): Edit[] {
    this.#remaps.set(mapped, { device, altitude });
    this.#filters.get(device)!.set(altitude, 'remap');
    return [{ kind: 'remap-start', mapped, device, altitude }];
  }

  #finish(mapped: string): Edit[] {
    const { device, altitude } = this.#remaps.get(mapped)!;
    this.#remaps.delete(mapped);
    this.#filters.get(device)!.delete(altitude);
    return [{ kind: 'remap-finish', mapped }];
  }

  #pickFilter(random: Random): { device: string; type: string; altitude: string } | undefined {
    const all = [...this.#filters].flatMap(([device, on]) =>
      [...on].filter(([, type]) => type !== 'remap').map(([altitude, type]) => ({ device, type, altitude })),
    );
    return all.length === 0 ? undefined : random.pick(all);
  }
}

function filterOf(random: Random): { readonly type: string; readonly args: string } {
  const [type, args] = random.pick([
    ['passes', ''],
    ['watches', ''],
    ['keeps', ''],
    ['promises', ''],
    ['stats', 'areas=16'],
    ['access', ''],
    ['throttle', `iops=${String(random.between(5, 50) * 1000)}`],
    ['delay', String(random.below(3))],
  ] as const);
  return { type, args };
}

/** Carries one edit out by the verb that is for it. */
export async function applyByVerb(engine: Control, edit: Edit, random: Random): Promise<void> {
  switch (edit.kind) {
    case 'attach':
      await engine.attachFilter(edit.device, edit.filter);
      break;
    case 'detach':
      await engine.detachFilter(edit.device, edit.filter);
      break;
    case 'swap':
      await engine.swapFilter(edit.device, edit.old, edit.new);
      break;
    case 'reload':
      if (random.chance(0.5)) await engine.suspend(edit.device, { noflush: random.chance(0.5) });
      await engine.load(edit.device, edit.table);
      await engine.resume(edit.device);
      break;
    case 'remap-start':
      await engine.startRemap(
        edit.mapped,
        edit.device,
        edit.altitude === undefined ? {} : { altitude: edit.altitude },
      );
      break;
    case 'remap-finish':
      await engine.finishRemap(edit.mapped);
      break;
  }
}
