import { SECTOR_SIZE } from './constants.ts';
import type { Control, KeyInfo, TypeInfo } from './control.ts';
import { EditVerbs } from './edit-verbs.ts';
import type { EngineOptions } from './engine-state.ts';
import { fail } from './errors.ts';
import type { Extent } from './extents.ts';
import type { KeyType } from './key-ring.ts';
import type { Port } from './port.ts';

/** An isolated set of devices and the types they are made of. */
export class Engine extends EditVerbs implements Control {
  async types(): Promise<TypeInfo[]> {
    const { registry } = this;
    return [...registry.targets(), ...registry.filters(), ...registry.drivers()].map(
      ({ kind, name, version }) => ({
        kind,
        name,
        version,
      }),
    );
  }

  addKey(type: KeyType, name: string, key: Uint8Array): Promise<void> {
    return this.control(async () => {
      this.keyRing.add(type, name, key);
    });
  }

  removeKey(type: KeyType, name: string): Promise<void> {
    return this.control(async () => {
      if (this.keyRing.remove(type, name)) return;
      throw fail('ENOKEY', `there is no key ${type}:${name} in the key ring`);
    });
  }

  async keys(): Promise<KeyInfo[]> {
    return this.keyRing.list();
  }

  extents(device: string, sector: number, count: number): Promise<Extent[]> {
    return this.#withPort(device, 'read', (port) => port.extents(sector, count));
  }

  read(device: string, sector: number, count: number): Promise<Uint8Array> {
    return this.#withPort(device, 'read', (port) => port.read(sector, count));
  }

  write(device: string, sector: number, data: Uint8Array): Promise<void> {
    if (data.length % SECTOR_SIZE !== 0) {
      return Promise.reject(fail('EINVAL', `${String(data.length)} bytes are no whole number of sectors`));
    }
    return this.#withPort(device, 'write', (port) => port.write(sector, data));
  }

  flush(device: string): Promise<void> {
    return this.#withPort(device, 'read', (port) => port.flush());
  }

  discard(device: string, sector: number, count: number): Promise<void> {
    return this.#withPort(device, 'write', (port) => port.discard(sector, count));
  }

  zero(device: string, sector: number, count: number): Promise<void> {
    return this.#withPort(device, 'write', (port) => port.writeZeroes(sector, count));
  }

  async #withPort<T>(name: string, mode: 'read' | 'write', use: (port: Port) => Promise<T>): Promise<T> {
    const port = await this.open(name, { mode, claim: 'noexcl', holder: 'control' });
    try {
      return await use(port);
    } finally {
      port.close();
    }
  }
}

/** An engine with the given types and no devices yet. */
export function createEngine(options: EngineOptions): Engine {
  return new Engine(options);
}
