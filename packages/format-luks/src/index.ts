/** LUKS1 and LUKS2: open, dump, format, key slots, without root.
 *
 * @packageDocumentation
 */
export { backupHeader, restoreHeader, type RestoreOptions } from './backup.ts';
export { cryptTable, type CryptTableOptions, isLuksUuid, mappedUuid } from './crypt-table.ts';
export { formatLuks, type FormatOptions } from './format.ts';
export { type ImageFile, type ImageFileOptions, openImageFile } from './image-file.ts';
export {
  type Argon2Kdf,
  defaultKdf,
  DIGEST_ITERATIONS,
  type Kdf,
  type KdfLimits,
  type Pbkdf2,
  PBKDF2_ITERATIONS,
} from './kdf.ts';
export { readLuks } from './read-luks.ts';
export { type LuksStorage, memoryStorage, portStorage, type SectorAccess, sectorStorage } from './storage.ts';
export type {
  ChangeOptions,
  DataArea,
  LuksVolume,
  NewSlotOptions,
  Secret,
  SlotInfo,
  TokenInfo,
  Unlocked,
  UnlockOptions,
} from './volume.ts';
