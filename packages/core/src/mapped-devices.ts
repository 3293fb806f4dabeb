import type { DeviceObserver } from './block-device.ts';
import type { CreateOptions } from './control.ts';
import { fail } from './errors.ts';
import { lowestFree } from './lowest-free.ts';
import { MappedDevice } from './mapped-device.ts';

/** The major number that mapped devices show: what current kernels hand out for device-mapper. */
const DM_MAJOR = 254;
const MAX_NAME = 127;
const MAX_UUID = 128;
const MAX_MINOR = 2 ** 20 - 1;
const NODE_PREFIX = '/dev/mapper/';

/** The mapped devices of an engine by name, with the kernel's rules for names, uuids and minors. */
export class MappedDevices {
  readonly #byName = new Map<string, MappedDevice>();

  /** In order of name. */
  all(): MappedDevice[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** By name, or by `/dev/mapper/NAME`. */
  find(name: string): MappedDevice | undefined {
    return this.#byName.get(name.startsWith(NODE_PREFIX) ? name.slice(NODE_PREFIX.length) : name);
  }

  /** As `find`; ENXIO if there is none. */
  get(name: string): MappedDevice {
    const device = this.find(name);
    if (device === undefined) throw fail('ENXIO', `no mapped device ${name}`);
    return device;
  }

  /** EBUSY for a name, uuid or minor that is taken, EINVAL for one that cannot be. */
  add(name: string, { uuid = '', minor }: CreateOptions, observer: DeviceObserver): MappedDevice {
    this.#checkName(name);
    this.#checkUuid(uuid);
    const device = new MappedDevice(name, uuid, [DM_MAJOR, this.#minor(minor)], observer);
    this.#byName.set(name, device);
    return device;
  }

  delete(device: MappedDevice): void {
    this.#byName.delete(device.name);
  }

  /** Undoes `delete`. */
  putBack(device: MappedDevice): void {
    this.#byName.set(device.name, device);
  }

  /** Also a suspended or open device: nobody holds on to the name. */
  rename(device: MappedDevice, newName: string): void {
    this.#checkName(newName);
    this.#byName.delete(device.name);
    device.name = newName;
    this.#byName.set(newName, device);
    device.raiseEvent();
  }

  /** A device without one gets a uuid, once. */
  setUuid(device: MappedDevice, uuid: string): void {
    this.#checkUuid(uuid);
    if (device.uuid !== '') {
      throw fail(
        'EINVAL',
        `Unable to change uuid of mapped device ${device.name} to ${uuid} because uuid is already set to ${device.uuid}`,
      );
    }
    if (uuid === '') throw fail('EINVAL', 'the uuid is empty');
    device.uuid = uuid;
    device.raiseEvent();
  }

  #checkName(name: string): void {
    if (name === '') throw fail('EINVAL', 'the name is empty');
    if (name.includes('/')) throw fail('EINVAL', `Name "${name}" invalid. It contains "/".`);
    if (name.length > MAX_NAME) throw fail('EINVAL', `Name "${name}" too long.`);
    if (['control', '.', '..'].includes(name)) throw fail('EINVAL', `Name "${name}" is reserved.`);
    if (/^\d+:\d+$/.test(name)) throw fail('EINVAL', `Name "${name}" reads as a device number.`);
    if (this.#byName.has(name)) throw fail('EBUSY', `there is a mapped device ${name} already`);
  }

  #checkUuid(uuid: string): void {
    if (uuid.length > MAX_UUID)
      throw fail('EINVAL', `the uuid is longer than ${String(MAX_UUID)} characters`);
    const owner = uuid === '' ? undefined : this.all().find((device) => device.uuid === uuid);
    if (owner !== undefined) throw fail('EBUSY', `uuid ${uuid} is that of ${owner.name}`);
  }

  #minor(wanted: number | undefined): number {
    const taken = new Set(this.all().map((device) => device.minor));
    if (wanted === undefined) return lowestFree(taken);
    if (!Number.isInteger(wanted) || wanted < 0 || wanted > MAX_MINOR) {
      throw fail('EINVAL', `minor ${String(wanted)} is not in 0..${String(MAX_MINOR)}`);
    }
    if (taken.has(wanted)) throw fail('EBUSY', `minor ${String(wanted)} is taken`);
    return wanted;
  }
}
