import { randomUUID } from 'node:crypto';

/*
 * What belongs together is found again by the UUIDs of the mapped devices, so that names may change and nothing has to be
 * kept elsewhere: INTERPOSER-SNAPSHOT-<role>-<group>[-<own>], with one group for each device that has snapshots.
 */

/** `real`: the device below the remap. `origin`: what stands in for it. `store`, `auto`: a snapshot, by whose its store is. */
export type Role = 'real' | 'origin' | 'store' | 'auto';

/** What a UUID says. */
export interface Tag {
  readonly role: Role;
  readonly group: string;
}

const FORM = /^INTERPOSER-SNAPSHOT-(REAL|ORIGIN|STORE|AUTO)-([0-9a-f]{32})(?:-[0-9a-f]{32})?$/;

/** A group of its own. */
export function newGroup(): string {
  return randomUUID().replaceAll('-', '');
}

/** The UUID of a device of a group; several snapshots may have the same role. */
export function uuidOf({ role, group }: Tag): string {
  const shared = `INTERPOSER-SNAPSHOT-${role.toUpperCase()}-${group}`;
  return role === 'real' || role === 'origin' ? shared : `${shared}-${newGroup()}`;
}

/** Undefined for a device that is none of ours. */
export function tagOf(uuid: string): Tag | undefined {
  const [, role, group] = FORM.exec(uuid) ?? [];
  if (role === undefined || group === undefined) return undefined;
  return { role: role.toLowerCase() as Role, group };
}
