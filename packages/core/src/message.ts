import { fail } from './errors.ts';
import type { MappedDevice } from './mapped-device.ts';

/** Gives a message to core (`@` words) or to the target at a sector; its answer may be empty. Kernel: target_message. */
export async function sendMessage(
  device: MappedDevice,
  sector: number,
  words: readonly string[],
): Promise<string> {
  const [first = ''] = words;
  if (first === '') throw fail('EINVAL', 'the message is empty');
  if (first.startsWith('@')) return coreMessage(device, first.toLowerCase());
  const { live } = device;
  if (live === null) throw fail('EINVAL', 'The device has no table.');
  if (!(sector >= 0 && sector < device.limits.sectors)) {
    throw fail(
      'EINVAL',
      `Target message sector outside device: ${String(sector)} of ${String(device.limits.sectors)}`,
    );
  }
  const { target, type } = live.rowAt(sector);
  if (target.message === undefined)
    throw fail('EINVAL', `Target type does not support messages: ${type.name}`);
  return target.message([first.toLowerCase(), ...words.slice(1)]);
}

function coreMessage(device: MappedDevice, word: string): string {
  if (word !== '@cancel_deferred_remove')
    throw fail('EINVAL', `Unsupported message sent to DM core: ${word}`);
  device.deferredRemove = false;
  return '';
}
